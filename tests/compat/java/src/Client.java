import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Clients of one case: made with settings that differ from the defaults only to save time, closed at its end. */
final class Client {
    static String namesrv;
    private static final String RUN = Long.toString(System.currentTimeMillis() % 100_000_000, 36);
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final ThreadLocal<Deque<Runnable>> MINE = ThreadLocal.withInitial(ArrayDeque::new);
    private static DefaultMQAdminExt admin;

    static String unique(String what) {
        return "c_" + what + "_" + RUN + "_" + COUNT.incrementAndGet();
    }

    static void closing(Runnable close) {
        MINE.get().push(close);
    }

    static void closeMine() {
        Deque<Runnable> mine = MINE.get();
        while (!mine.isEmpty()) {
            try {
                mine.pop().run();
            } catch (RuntimeException e) {
                System.err.println("closing: " + e);
            }
        }
    }

    static synchronized DefaultMQAdminExt admin() throws Exception {
        if (admin == null) {
            DefaultMQAdminExt made = new DefaultMQAdminExt(10_000);
            made.setNamesrvAddr(namesrv);
            made.setInstanceName(unique("admin"));
            made.start();
            admin = made;
        }
        return admin;
    }

    static String broker() throws Exception {
        var table = admin().examineBrokerClusterInfo().getBrokerAddrTable();
        return table.values().iterator().next().selectBrokerAddr();
    }

    /** A topic of this case, made on the broker and known to the name server. */
    static String topic(String what, int queues) throws Exception {
        return topic(what, queues, 6);
    }

    static String topic(String what, int queues, int perm) throws Exception {
        String name = unique(what);
        permit(name, queues, perm);
        return name;
    }

    static void permit(String topic, int queues, int perm) throws Exception {
        admin().createAndUpdateTopicConfig(broker(), new TopicConfig(topic, queues, queues, perm));
        Harness.await(45, "route of " + topic, () -> {
            try {
                return admin().examineTopicRouteInfo(topic).getQueueDatas().get(0).getPerm() == perm;
            } catch (org.apache.rocketmq.client.exception.MQClientException e) {
                return false;
            }
        });
    }

    /**
     * A group whose retry topic is there already. Of a brand-new group a consumer learns the retry
     * topic's route only with its second rebalance, up to twenty seconds after the start.
     */
    static String oldGroup() throws Exception {
        String group = unique("og");
        permit("%RETRY%" + group, 1, 6);
        return group;
    }

    static DefaultMQProducer producer() throws Exception {
        return producer(p -> { });
    }

    static DefaultMQProducer producer(java.util.function.Consumer<DefaultMQProducer> set) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(unique("pg"));
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(unique("p"));
        producer.setSendMsgTimeout(6000);
        set.accept(producer);
        producer.start();
        closing(producer::shutdown);
        return producer;
    }

    /** What a push consumer was given, in the order it was given. */
    static final class Got implements MessageListenerConcurrently {
        final List<MessageExt> all = new CopyOnWriteArrayList<>();
        final List<Long> at = new CopyOnWriteArrayList<>();
        Function<MessageExt, ConsumeConcurrentlyStatus> answer = m -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS;

        @Override
        public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> messages,
            org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext context) {
            ConsumeConcurrentlyStatus status = ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            for (MessageExt message : messages) {
                at.add(System.currentTimeMillis());
                all.add(message);
                status = answer.apply(message);
            }
            return status;
        }

        Set<String> bodies() {
            return all.stream().map(Client::text).collect(Collectors.toCollection(HashSet::new));
        }

        boolean has(int count) {
            return all.size() >= count;
        }
    }

    static DefaultMQPushConsumer consumer(String group) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(unique("c"));
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(4);
        consumer.setPollNameServerInterval(1000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        return consumer;
    }

    static DefaultMQPushConsumer start(DefaultMQPushConsumer consumer) throws Exception {
        consumer.start();
        closing(consumer::shutdown);
        return consumer;
    }

    static Got consume(String group, String topic, String expression) throws Exception {
        Got got = new Got();
        DefaultMQPushConsumer consumer = consumer(group);
        consumer.subscribe(topic, expression);
        consumer.registerMessageListener(got);
        start(consumer);
        return got;
    }

    /** How many messages a consumer counts as done: a moment later than its listener was given them. */
    static long settled(DefaultMQPushConsumer consumer, String topic) throws Exception {
        var offsets = consumer.getDefaultMQPushConsumerImpl().getOffsetStore();
        return consumer.fetchSubscribeMessageQueues(topic).stream()
            .mapToLong(queue -> Math.max(0, offsets.readOffset(queue, ReadOffsetType.READ_FROM_MEMORY))).sum();
    }

    static DefaultMQPullConsumer puller(String group) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(unique("pull"));
        consumer.start();
        closing(consumer::shutdown);
        return consumer;
    }

    static DefaultLitePullConsumer lite(String group) {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(unique("lite"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        return consumer;
    }

    static DefaultLitePullConsumer start(DefaultLitePullConsumer consumer) throws Exception {
        consumer.start();
        closing(consumer::shutdown);
        return consumer;
    }

    /** Polls until so many messages came or the seconds are over. */
    static List<MessageExt> poll(DefaultLitePullConsumer consumer, int count, int seconds) {
        List<MessageExt> all = new ArrayList<>();
        long end = System.currentTimeMillis() + seconds * 1000L;
        while (all.size() < count && System.currentTimeMillis() < end) {
            all.addAll(consumer.poll(200));
        }
        return all;
    }

    /** When the broker stored the message at this offset; waits until it is readable. */
    static long storedAt(DefaultMQPullConsumer consumer, MessageQueue queue, long offset) throws Exception {
        Harness.await(10, "readable", () -> consumer.pull(queue, "*", offset, 1).getPullStatus() == PullStatus.FOUND);
        return consumer.pull(queue, "*", offset, 1).getMsgFoundList().get(0).getStoreTimestamp();
    }

    /** Until a message that is sent now has a later store time: brokers look at the clock once for many messages. */
    static void awaitLater(long stored) throws Exception {
        Harness.await(10, "a later store time", () -> System.currentTimeMillis() > stored + 50);
    }

    static Message message(String topic, String tag, String text) {
        return new Message(topic, tag, text.getBytes(StandardCharsets.UTF_8));
    }

    static String text(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    static Set<String> numbered(String prefix, int count) {
        Set<String> all = new HashSet<>();
        for (int i = 0; i < count; i++) {
            all.add(prefix + i);
        }
        return all;
    }
}
