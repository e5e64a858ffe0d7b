import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;

/** Push consumers: filters, members, models. */
final class PushCases {
    static void add(Harness h) {
        h.quick("push.tag-expression", PushCases::tagExpression);
        h.quick("push.long-poll-wakes-at-once", PushCases::longPoll);
        h.quick("push.consume-in-batches", PushCases::batches);
        h.quick("push.broadcasting", PushCases::broadcasting);
        h.quick("push.two-groups-each-get-all", PushCases::twoGroups);
        h.quick("push.members-join-and-leave", PushCases::members);
        h.quick("push.several-topics", PushCases::severalTopics);
        h.quick("push.topic-made-later", PushCases::topicMadeLater);
        h.quick("push.backlog-of-3000", PushCases::backlog);
        h.quick("push.unsubscribe-and-subscribe", PushCases::unsubscribe);
    }

    private static void tagExpression() throws Exception {
        String topic = Client.topic("tags", 4);
        Client.Got got = Client.consume(Client.unique("g"), topic, "A || B");
        DefaultMQProducer producer = Client.producer();
        // "Aa" and "BB" have one hash: only the client's exact comparison tells them apart.
        Client.Got same = Client.consume(Client.unique("g"), topic, "Aa");
        String[] tags = {"A", "B", "C", "Aa", "BB"};
        for (int i = 0; i < 25; i++) {
            producer.send(Client.message(topic, tags[i % 5], tags[i % 5] + i));
        }
        producer.send(new org.apache.rocketmq.common.message.Message(topic, "none".getBytes()));
        Harness.await(45, "ten messages", () -> got.has(10) && same.has(5));
        Harness.stays(500, "only A and B", () -> got.all.size() == 10 && same.all.size() == 5);
        for (MessageExt message : got.all) {
            Harness.check(Set.of("A", "B").contains(message.getTags()), "tag " + message.getTags());
        }
        for (MessageExt message : same.all) {
            Harness.same("Aa", message.getTags(), "tag");
        }
    }

    private static void longPoll() throws Exception {
        String topic = Client.topic("poll", 1);
        Client.Got got = Client.consume(Client.unique("g"), topic, "*");
        DefaultMQProducer producer = Client.producer();
        producer.send(Client.message(topic, "T", "warm up"));
        Harness.await(45, "the first message", () -> got.has(1));
        Harness.stays(1500, "nothing more while idle", () -> got.all.size() == 1);
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            int before = got.all.size();
            long start = System.currentTimeMillis();
            producer.send(Client.message(topic, "T", "wake " + i));
            Harness.await(10, "the message", () -> got.has(before + 1));
            best = Math.min(best, got.at.get(before) - start);
        }
        // A server that polls by a timer (the original's fall-back is 5 s) does not come near this.
        Harness.check(best < 300, "woken after " + best + " ms at best");
    }

    private static void batches() throws Exception {
        String topic = Client.topic("inbatches", 1);
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 40; i++) {
            producer.send(Client.message(topic, "T", "b" + i));
        }
        Set<String> bodies = java.util.concurrent.ConcurrentHashMap.newKeySet();
        List<Integer> sizes = new CopyOnWriteArrayList<>();
        DefaultMQPushConsumer consumer = Client.consumer(Client.unique("g"));
        consumer.setConsumeMessageBatchMaxSize(10);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            sizes.add(messages.size());
            messages.forEach(m -> bodies.add(Client.text(m)));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        Client.start(consumer);
        Harness.await(45, "forty messages", () -> bodies.size() == 40);
        Harness.check(sizes.stream().anyMatch(s -> s == 10), "batches of ten: " + sizes);
    }

    private static Client.Got member(String group, String topic, boolean broadcast) throws Exception {
        Client.Got got = new Client.Got();
        DefaultMQPushConsumer consumer = Client.consumer(group);
        if (broadcast) {
            Shim.broadcast(consumer);
        }
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(got);
        Client.start(consumer);
        return got;
    }

    private static void broadcasting() throws Exception {
        String topic = Client.topic("broadcast", 4);
        String group = Client.unique("g");
        Client.Got one = member(group, topic, true);
        Client.Got two = member(group, topic, true);
        DefaultMQProducer producer = Client.producer();
        Harness.await(45, "both at work", () -> {
            producer.send(Client.message(topic, "T", "warm"));
            return one.has(4) && two.has(4);
        });
        for (int i = 0; i < 20; i++) {
            producer.send(Client.message(topic, "T", "all" + i));
        }
        Harness.await(45, "everything at both", () -> one.bodies().containsAll(Client.numbered("all", 20))
            && two.bodies().containsAll(Client.numbered("all", 20)));
    }

    private static void twoGroups() throws Exception {
        String topic = Client.topic("groups", 2);
        Client.Got one = Client.consume(Client.unique("g"), topic, "*");
        Client.Got two = Client.consume(Client.unique("g"), topic, "*");
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 10; i++) {
            producer.send(Client.message(topic, "T", "x" + i));
        }
        Harness.await(45, "ten at each group", () -> one.has(10) && two.has(10));
        Harness.stays(300, "each once", () -> one.all.size() == 10 && two.all.size() == 10);
    }

    private static int queuesOf(DefaultMQPushConsumer consumer, String topic) {
        var all = consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet();
        return (int) all.stream().filter(q -> q.getTopic().equals(topic)).count();
    }

    private static DefaultMQPushConsumer quiet(String group, String topic, Client.Got got) throws Exception {
        DefaultMQPushConsumer consumer = Client.consumer(group);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(got);
        consumer.start();
        return consumer;
    }

    private static void members() throws Exception {
        String topic = Client.topic("members", 8);
        String group = Client.unique("g");
        Client.Got got = new Client.Got();
        DefaultMQPushConsumer one = quiet(group, topic, got);
        Client.closing(one::shutdown);
        Harness.await(45, "all queues at the only member", () -> queuesOf(one, topic) == 8);
        DefaultMQPushConsumer two = quiet(group, topic, got);
        // Members hear of a change at once; their own timer (20 s) would be too late for this.
        Harness.await(12, "four queues each", () -> queuesOf(one, topic) == 4 && queuesOf(two, topic) == 4);
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 40; i++) {
            producer.send(Client.message(topic, "T", "m" + i));
        }
        Harness.await(45, "all messages", () -> got.bodies().size() == 40);
        two.shutdown();
        Harness.await(12, "all queues back", () -> queuesOf(one, topic) == 8);
        for (int i = 40; i < 80; i++) {
            producer.send(Client.message(topic, "T", "m" + i));
        }
        Harness.await(45, "all messages", () -> got.bodies().size() == 80);
    }

    private static void severalTopics() throws Exception {
        String first = Client.topic("first", 2);
        String second = Client.topic("second", 2);
        DefaultMQPushConsumer consumer = Client.consumer(Client.unique("g"));
        Client.Got got = new Client.Got();
        consumer.subscribe(first, "A");
        consumer.subscribe(second, "B");
        consumer.registerMessageListener(got);
        Client.start(consumer);
        DefaultMQProducer producer = Client.producer();
        for (String topic : new String[] {first, second}) {
            producer.send(Client.message(topic, "A", topic + "A"));
            producer.send(Client.message(topic, "B", topic + "B"));
        }
        Harness.await(45, "one of each", () -> got.has(2));
        Harness.same(Set.of(first + "A", second + "B"), got.bodies(), "bodies");
    }

    private static void topicMadeLater() throws Exception {
        String topic = Client.unique("later");
        Client.Got got = Client.consume(Client.unique("g"), topic, "*");
        DefaultMQProducer producer = Client.producer();
        producer.send(Client.message(topic, "T", "x"));
        // The client rebalances every 20 s; when it learnt the route after its first heartbeat, the broker
        // hears of the group only with the second one, 30 s later.
        Harness.await(75, "the message", () -> got.has(1));
    }

    private static void backlog() throws Exception {
        String topic = Client.topic("backlog", 4);
        DefaultMQProducer producer = Client.producer();
        List<org.apache.rocketmq.common.message.Message> batch = new java.util.ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            batch.add(Client.message(topic, "T", "m" + i));
            if (batch.size() == 100) {
                producer.send(batch);
                batch.clear();
            }
        }
        Client.Got got = Client.consume(Client.unique("g"), topic, "*");
        Harness.await(45, "3000 messages", () -> got.has(3000));
        Harness.same(Client.numbered("m", 3000), got.bodies(), "bodies");
        Set<String> places = new HashSet<>();
        for (MessageExt message : got.all) {
            Harness.check(places.add(message.getQueueId() + ":" + message.getQueueOffset()), "each place once");
        }
    }

    private static void unsubscribe() throws Exception {
        String topic = Client.topic("resub", 1);
        String group = Client.unique("g");
        DefaultMQProducer producer = Client.producer();
        Client.Got first = new Client.Got();
        DefaultMQPushConsumer consumer = quiet(group, topic, first);
        producer.send(Client.message(topic, "A", "a1"));
        Harness.await(45, "a1", () -> first.has(1));
        consumer.shutdown();
        // The same group comes back with another expression: the newer subscription counts.
        Client.Got second = Client.consume(group, topic, "B");
        producer.send(Client.message(topic, "A", "a2"));
        producer.send(Client.message(topic, "B", "b1"));
        Harness.await(45, "b1", () -> second.has(1));
        Harness.same(Set.of("b1"), second.bodies(), "bodies");
    }
}
