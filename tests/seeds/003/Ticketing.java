import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/** Document 003's ticketing: Ticketing NAMESRV PATTERN quick|full */
public final class Ticketing {
    interface Body {
        void run() throws Exception;
    }

    private static final String RUN = Long.toString(System.currentTimeMillis(), 36);
    private static final PrintStream OUT = System.out;
    private static String namesrv;

    public static void main(String[] args) throws Exception {
        namesrv = args[0];
        Pattern only = Pattern.compile(args[1]);
        runOne(only, "topics-by-its-own-mqadmin-lines", Ticketing::topics);
        runOne(only, "orders-created-paid-and-stock-locked", Ticketing::orders);
        runOne(only, "stock-in-order-for-each-ticket-type", Ticketing::stockInOrder);
        runOne(only, "backlog-is-counted", Ticketing::backlog);
        System.exit(0);
    }

    private static void runOne(Pattern only, String name, Body body) {
        if (!only.matcher(name).find()) {
            return;
        }
        long begin = System.nanoTime();
        String status = "ok";
        String reason = "";
        try {
            body.run();
        } catch (Throwable e) {
            status = "FAILED";
            reason = e.toString().replace('\n', ' ');
        }
        System.setOut(OUT);
        OUT.printf(Locale.ROOT, "CASE %s %s %.1f %s%n", name, status, (System.nanoTime() - begin) / 1e9, reason);
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private static void await(int seconds, String what, Callable<Boolean> holds) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (!holds.call()) {
            check(System.nanoTime() < end, "not within " + seconds + " s: " + what);
            Thread.sleep(20);
        }
    }

    /** A line of mqadmin as it stands in the document; NAMESRV_ADDR tells the address. */
    private static String mqadmin(String line) {
        ByteArrayOutputStream buffer = new ByteArrayOutputStream();
        System.setOut(new PrintStream(buffer, true, StandardCharsets.UTF_8));
        try {
            MQAdminStartup.main0(line.split(" "), null);
        } finally {
            System.setOut(OUT);
        }
        return buffer.toString(StandardCharsets.UTF_8);
    }

    private static void topics() {
        for (String line : new String[] {
            "updateTopic -c DefaultCluster -t order-create -r 8 -w 8",
            "updateTopic -c DefaultCluster -t order-payment -r 8 -w 8",
            "updateTopic -c DefaultCluster -t stock-lock -r 8 -w 8",
            "updateTopic -c DefaultCluster -t stock-deduct -r 8 -w 8"}) {
            String output = mqadmin(line);
            check(output.contains("success") && output.contains("readQueueNums=8, writeQueueNums=8"), line + ": " + output);
        }
        String list = mqadmin("topicList");
        for (String topic : new String[] {"order-create", "order-payment", "stock-lock", "stock-deduct"}) {
            check(list.contains(topic), topic + " is listed");
        }
    }

    private static DefaultMQProducer producer() throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("ticket-producer-group");
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName("p" + System.nanoTime());
        producer.setSendMsgTimeout(3000);
        producer.setRetryTimesWhenSendFailed(2);
        producer.setMaxMessageSize(4194304);
        producer.start();
        return producer;
    }

    private static DefaultMQPushConsumer consumer(String group) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName("c" + System.nanoTime());
        consumer.setConsumeThreadMin(5);
        consumer.setConsumeThreadMax(20);
        consumer.setConsumeMessageBatchMaxSize(1);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        return consumer;
    }

    private static String envelope(String type, String order, String data) {
        return "{\"messageId\":\"" + RUN + order + "\",\"timestamp\":1640995200000,\"eventType\":\"" + type
            + "\",\"data\":{\"orderId\":\"" + order + "\"," + data + "},\"source\":\"order-service\",\"version\":\"1.0\"}";
    }

    private static String text(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static void orders() throws Exception {
        Map<String, List<String>> got = new ConcurrentHashMap<>();
        DefaultMQPushConsumer consumer = consumer("ticket-consumer-group");
        for (String topic : new String[] {"order-create", "order-payment", "stock-lock"}) {
            got.put(topic, new CopyOnWriteArrayList<>());
            consumer.subscribe(topic, "*");
        }
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                if (text(message).contains("\"messageId\":\"" + RUN + "ORD")) {
                    got.get(message.getTopic()).add(text(message));
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 20; i++) {
            String order = "ORD20231225" + i;
            String[][] all = {
                {"order-create", envelope("ORDER_CREATE", order, "\"userId\":12345,\"quantity\":2,\"totalAmount\":299.00")},
                {"order-payment", envelope("PAYMENT_PROCESS", order, "\"paymentMethod\":\"ALIPAY\",\"amount\":299.00")},
                {"stock-lock", envelope("STOCK_LOCK", order, "\"ticketTypeId\":2001,\"lockTime\":300")}};
            for (String[] one : all) {
                Message message = new Message(one[0], "", order, one[1].getBytes(StandardCharsets.UTF_8));
                check(producer.send(message).getSendStatus() == SendStatus.SEND_OK, "sent");
            }
        }
        await(60, "twenty of each", () -> got.values().stream().allMatch(list -> list.size() >= 20));
        for (var list : got.values()) {
            check(list.size() == 20, "each once: " + list.size());
        }
        producer.shutdown();
        consumer.shutdown();
    }

    private static void stockInOrder() throws Exception {
        Map<String, List<Integer>> got = new ConcurrentHashMap<>();
        AtomicInteger count = new AtomicInteger();
        DefaultMQPushConsumer consumer = consumer("ticket-stock-group");
        consumer.subscribe("stock-deduct", "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            for (MessageExt message : messages) {
                String[] words = text(message).split(" ");
                if (words[0].equals(RUN)) {
                    got.computeIfAbsent(words[1], k -> new CopyOnWriteArrayList<>()).add(Integer.parseInt(words[2]));
                    count.incrementAndGet();
                }
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 40; i++) {
            String type = "type" + i % 5;
            Message message = new Message("stock-deduct", (RUN + " " + type + " " + i).getBytes(StandardCharsets.UTF_8));
            producer.send(message, new SelectMessageQueueByHash(), type);
        }
        await(60, "forty deductions", () -> count.get() >= 40);
        for (var type : got.entrySet()) {
            List<Integer> sorted = new ArrayList<>(type.getValue());
            sorted.sort(null);
            check(sorted.equals(type.getValue()), "order of " + type);
        }
        check(count.get() == 40, "each once");
        producer.shutdown();
        consumer.shutdown();
    }

    private static void backlog() throws Exception {
        DefaultMQProducer producer = producer();
        DefaultMQPushConsumer consumer = consumer("ticket-backlog-" + RUN);
        List<String> got = new CopyOnWriteArrayList<>();
        consumer.subscribe("stock-lock", "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(m -> got.add(text(m)));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        producer.send(new Message("stock-lock", (RUN + " one").getBytes(StandardCharsets.UTF_8)));
        await(60, "the message", () -> got.contains(RUN + " one"));
        String progress = "consumerProgress -g ticket-backlog-" + RUN;
        await(60, "no backlog at first", () -> mqadmin(progress).contains("Diff Total: 0"));
        consumer.shutdown();
        for (int i = 0; i < 7; i++) {
            producer.send(new Message("stock-lock", (RUN + " more").getBytes(StandardCharsets.UTF_8)));
        }
        await(15, "a backlog of seven", () -> mqadmin(progress).contains("Diff Total: 7"));
        producer.shutdown();
    }
}
