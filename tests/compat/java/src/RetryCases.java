import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Messages sent back: again later, with a delay of the consumer's choice, or to the dead letters. */
final class RetryCases {
    static void add(Harness h) {
        h.quick("retry.later-then-success", RetryCases::laterThenSuccess);
        h.quick("retry.delay-chosen-by-the-consumer", RetryCases::chosenDelay);
        h.quick("retry.twice-then-dead-letter", RetryCases::deadLetter);
        h.quick("retry.straight-to-dead-letter", RetryCases::straightToDeadLetter);
        h.quick("retry.of-a-brand-new-group", RetryCases::newGroup);
        h.slow("retry.second-delay-is-thirty-seconds", RetryCases::growingDelay);
    }

    private static Client.Got refuse(String group, String topic, int times, int max) throws Exception {
        Client.Got got = new Client.Got();
        got.answer = m -> m.getReconsumeTimes() < times
            ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        DefaultMQPushConsumer consumer = Client.consumer(group);
        consumer.setMaxReconsumeTimes(max);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(got);
        Client.start(consumer);
        return got;
    }

    private static Message wanted(String topic) {
        Message message = Client.message(topic, "T", "again");
        message.setKeys("the-key");
        message.putUserProperty("mine", "kept");
        return message;
    }

    private static void laterThenSuccess() throws Exception {
        String topic = Client.topic("later", 2);
        Client.Got got = refuse(Client.oldGroup(), topic, 1, 16);
        var sent = Client.producer().send(wanted(topic));
        Harness.await(45, "twice", () -> got.has(2));
        long delay = got.at.get(1) - got.at.get(0);
        Harness.check(delay >= 9_900 && delay < 15_000, "the first delay is ten seconds, was " + delay);
        MessageExt again = got.all.get(1);
        Harness.same(1, again.getReconsumeTimes(), "reconsume times");
        Harness.same(topic, again.getTopic(), "the client shows the topic it came from");
        Harness.same("T", again.getTags(), "tag");
        Harness.same("the-key", again.getKeys(), "keys");
        Harness.same("kept", again.getUserProperty("mine"), "user property");
        Harness.same(sent.getMsgId(), again.getMsgId(), "unique key");
        Harness.same(sent.getOffsetMsgId(), again.getProperty("ORIGIN_MESSAGE_ID"), "origin id");
        Harness.same(topic, again.getProperty("RETRY_TOPIC"), "retry topic");
        Harness.stays(1000, "settled", () -> got.all.size() == 2);
    }

    private static void newGroup() throws Exception {
        String topic = Client.topic("newgroup", 1);
        Client.Got got = refuse(Client.unique("g"), topic, 1, 16);
        Client.producer().send(wanted(topic));
        Harness.await(45, "twice", () -> got.has(2));
        Harness.same(1, got.all.get(1).getReconsumeTimes(), "reconsume times");
    }

    private static void chosenDelay() throws Exception {
        String topic = Client.topic("chosen", 1);
        Client.Got got = new Client.Got();
        DefaultMQPushConsumer consumer = Client.consumer(Client.oldGroup());
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            got.consumeMessage(messages, context);
            context.setDelayLevelWhenNextConsume(1);
            return messages.get(0).getReconsumeTimes() < 2
                ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        Client.start(consumer);
        Client.producer().send(wanted(topic));
        Harness.await(45, "three times", () -> got.has(3));
        for (int i = 1; i < 3; i++) {
            long delay = got.at.get(i) - got.at.get(i - 1);
            Harness.check(delay >= 950 && delay < 5000, "delay of one second, was " + delay);
            Harness.same(i, got.all.get(i).getReconsumeTimes(), "reconsume times");
        }
    }

    private static MessageExt dead(String group) throws Exception {
        Client.Got got = Client.consume(Client.unique("dlq"), "%DLQ%" + group, "*");
        Harness.await(45, "the dead letter", () -> got.has(1));
        Harness.stays(500, "one dead letter", () -> got.all.size() == 1);
        return got.all.get(0);
    }

    private static void deadLetter() throws Exception {
        String topic = Client.topic("dead", 1);
        String group = Client.oldGroup();
        Client.Got got = refuse(group, topic, 99, 1);
        var sent = Client.producer().send(wanted(topic));
        Harness.await(45, "twice", () -> got.has(2));
        Harness.await(45, "the dead letter topic", () -> {
            try {
                return Client.admin().examineTopicStats("%DLQ%" + group).getOffsetTable().values().stream()
                    .anyMatch(o -> o.getMaxOffset() == 1);
            } catch (Exception e) {
                return false;
            }
        });
        MessageExt message = dead(group);
        Harness.same("again", Client.text(message), "body");
        Harness.same("T", message.getTags(), "tag");
        Harness.same("the-key", message.getKeys(), "keys");
        Harness.same("kept", message.getUserProperty("mine"), "user property");
        Harness.same(sent.getMsgId(), message.getMsgId(), "unique key");
        Harness.same("%DLQ%" + group, message.getTopic(), "topic");
        Harness.same(topic, message.getProperty("RETRY_TOPIC"), "where it came from");
        Harness.same(2, message.getReconsumeTimes(), "reconsume times");
        Harness.stays(500, "not delivered to the group again", () -> got.all.size() == 2);
    }

    private static void straightToDeadLetter() throws Exception {
        String topic = Client.topic("straight", 1);
        String group = Client.unique("g");
        AtomicInteger seen = new AtomicInteger();
        DefaultMQPushConsumer consumer = Client.consumer(group);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            seen.incrementAndGet();
            context.setDelayLevelWhenNextConsume(-1);
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        Client.start(consumer);
        Client.producer().send(wanted(topic));
        Harness.await(45, "seen", () -> seen.get() == 1);
        MessageExt message = dead(group);
        Harness.same("again", Client.text(message), "body");
        Harness.same(topic, message.getProperty("RETRY_TOPIC"), "where it came from");
        Harness.same(1, seen.get(), "seen once");
    }

    private static void growingDelay() throws Exception {
        String topic = Client.topic("growing", 1);
        Client.Got got = refuse(Client.oldGroup(), topic, 2, 16);
        Client.producer().send(wanted(topic));
        Harness.await(60, "three times", () -> got.has(3));
        long first = got.at.get(1) - got.at.get(0);
        long second = got.at.get(2) - got.at.get(1);
        Harness.check(first >= 9_900 && first < 15_000, "first delay " + first);
        Harness.check(second >= 29_900 && second < 36_000, "second delay " + second);
        Harness.same(2, got.all.get(2).getReconsumeTimes(), "reconsume times");
    }
}
