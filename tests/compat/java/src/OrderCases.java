import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;

/** Ordered consumption under queue locks. */
final class OrderCases {
    static void add(Harness h) {
        h.quick("orderly.keeps-order-in-each-queue", OrderCases::keepsOrder);
        h.quick("orderly.failure-holds-its-queue", OrderCases::failureHolds);
        h.quick("orderly.a-member-leaves", OrderCases::memberLeaves);
        h.quick("orderly.failed-too-often-is-dead", OrderCases::tooOften);
    }

    private static void sendInOrder(DefaultMQProducer producer, String topic, int from, int to) throws Exception {
        for (int i = from; i < to; i++) {
            int queue = i % 4;
            producer.send(Client.message(topic, "T", Integer.toString(i)),
                (queues, message, arg) -> queues.stream()
                    .filter(q -> q.getQueueId() == (Integer) arg).findFirst().orElseThrow(), queue);
        }
    }

    /** Messages of each queue in the order they were settled. */
    private static final class Order {
        final Map<Integer, List<Integer>> queues = new ConcurrentHashMap<>();
        final AtomicInteger count = new AtomicInteger();

        synchronized void add(MessageExt message) {
            queues.computeIfAbsent(message.getQueueId(), q -> new ArrayList<>())
                .add(Integer.parseInt(Client.text(message)));
            count.incrementAndGet();
        }

        /** Nothing skipped and nothing overtaken; steps back only where a change of members may repeat. */
        synchronized void verify(int total, boolean repeats) {
            Set<Integer> all = new HashSet<>();
            for (var queue : queues.entrySet()) {
                int next = queue.getKey();
                for (int value : queue.getValue()) {
                    if (!repeats || value > next) {
                        Harness.same(next, value, "order in queue " + queue.getKey());
                    }
                    next = value + 4;
                    all.add(value);
                }
            }
            Harness.same(total, all.size(), "messages");
        }

        synchronized int distinct() {
            return (int) queues.values().stream().flatMap(List::stream).distinct().count();
        }
    }

    private static DefaultMQPushConsumer orderly(String group, String topic, MessageListenerOrderly listener)
        throws Exception {
        DefaultMQPushConsumer consumer = Client.consumer(group);
        consumer.setSuspendCurrentQueueTimeMillis(300);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(listener);
        consumer.start();
        return consumer;
    }

    private static void keepsOrder() throws Exception {
        String topic = Client.topic("ordered", 4);
        Order order = new Order();
        Client.closing(orderly(Client.unique("g"), topic, (messages, context) -> {
            messages.forEach(order::add);
            return ConsumeOrderlyStatus.SUCCESS;
        })::shutdown);
        sendInOrder(Client.producer(), topic, 0, 200);
        Harness.await(45, "200 messages", () -> order.count.get() >= 200);
        order.verify(200, false);
    }

    private static void failureHolds() throws Exception {
        String topic = Client.topic("orderfail", 4);
        Order order = new Order();
        AtomicInteger attempts = new AtomicInteger();
        Client.closing(orderly(Client.unique("g"), topic, (messages, context) -> {
            MessageExt message = messages.get(0);
            if (Client.text(message).equals("4") && attempts.incrementAndGet() < 3) {
                return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            }
            order.add(message);
            return ConsumeOrderlyStatus.SUCCESS;
        })::shutdown);
        sendInOrder(Client.producer(), topic, 0, 40);
        Harness.await(45, "40 messages", () -> order.count.get() >= 40);
        order.verify(40, false);
        Harness.same(3, attempts.get(), "attempts of the failing one");
    }

    private static void memberLeaves() throws Exception {
        String topic = Client.topic("ordermembers", 4);
        String group = Client.unique("g");
        Order order = new Order();
        AtomicBoolean both = new AtomicBoolean();
        AtomicInteger bySecond = new AtomicInteger();
        Client.closing(orderly(group, topic, (messages, context) -> {
            messages.forEach(order::add);
            return ConsumeOrderlyStatus.SUCCESS;
        })::shutdown);
        DefaultMQProducer producer = Client.producer();
        sendInOrder(producer, topic, 0, 40);
        Harness.await(45, "40 messages", () -> order.count.get() >= 40);
        DefaultMQPushConsumer second = orderly(group, topic, (messages, context) -> {
            bySecond.addAndGet(messages.size());
            messages.forEach(order::add);
            return ConsumeOrderlyStatus.SUCCESS;
        });
        int sent = 40;
        // The first member gives its queues up, the second then gets the locks (its timer: 20 s).
        for (int round = 0; round < 120 && bySecond.get() == 0; round++) {
            sendInOrder(producer, topic, sent, sent + 4);
            sent += 4;
            int all = sent;
            if (bySecond.get() == 0) {
                Thread.sleep(250);
            }
        }
        Harness.check(bySecond.get() > 0, "the second member consumed");
        second.shutdown();
        sendInOrder(producer, topic, sent, sent + 40);
        int all = sent + 40;
        Harness.await(50, "all messages", () -> order.distinct() >= all);
        order.verify(all, true);
    }

    private static void tooOften() throws Exception {
        String topic = Client.topic("orderdead", 1);
        String group = Client.unique("g");
        List<String> settled = new java.util.concurrent.CopyOnWriteArrayList<>();
        AtomicInteger attempts = new AtomicInteger();
        DefaultMQPushConsumer consumer = Client.consumer(group);
        consumer.setSuspendCurrentQueueTimeMillis(200);
        consumer.setMaxReconsumeTimes(2);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            if (Client.text(messages.get(0)).equals("bad")) {
                attempts.incrementAndGet();
                return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            }
            messages.forEach(m -> settled.add(Client.text(m)));
            return ConsumeOrderlyStatus.SUCCESS;
        });
        Client.start(consumer);
        DefaultMQProducer producer = Client.producer();
        for (String text : new String[] {"before", "bad", "after"}) {
            producer.send(Client.message(topic, "T", text));
        }
        Harness.await(45, "the message after the bad one", () -> settled.contains("after"));
        Harness.same(List.of("before", "after"), settled, "settled");
        Harness.same(3, attempts.get(), "attempts");
        // The client hands the bad one to the retry topic, where the broker finds it over its count.
        Client.Got dead = Client.consume(Client.unique("dlq"), "%DLQ%" + group, "*");
        Harness.await(40, "the dead letter", () -> dead.has(1));
        Harness.same("bad", Client.text(dead.all.get(0)), "body");
    }
}
