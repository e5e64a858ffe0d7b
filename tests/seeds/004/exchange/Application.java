package exchange;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.spring.core.RocketMQTemplate;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.messaging.Message;
import org.springframework.messaging.support.MessageBuilder;

/** Document 004's exchange: Application NAMESRV PATTERN quick|full */
@SpringBootApplication
public class Application {
    interface Body {
        void run() throws Exception;
    }

    static final String RUN = Long.toString(System.currentTimeMillis(), 36);
    private static RocketMQTemplate rocketMQTemplate;

    public static void main(String[] args) throws Exception {
        // The consumers of a first start would wait for their topics; an operator makes these before.
        prepare(args[0]);
        System.setProperty("rocketmq.client.rebalance.waitInterval", "5000");
        var context = SpringApplication.run(Application.class, "--rocketmq.name-server=" + args[0]);
        rocketMQTemplate = context.getBean(RocketMQTemplate.class);
        Map<String, Body> cases = new LinkedHashMap<>();
        cases.put("sync-send-orders-by-tag-expression", Application::ordersByTag);
        cases.put("assets-in-order", Application::assetsInOrder);
        cases.put("async-send-market-data", Application::marketData);
        cases.put("batch-of-trades", Application::batchOfTrades);
        cases.put("notify-broadcast", Application::notifyBroadcast);
        cases.put("order-timeout-by-delay-level", Application::orderTimeout);
        cases.put("failing-order-reaches-the-dead-letter-listener", Application::deadLetter);
        List<Thread> threads = new ArrayList<>();
        for (var one : cases.entrySet()) {
            if (Pattern.compile(args[1]).matcher(one.getKey()).find()) {
                Thread thread = new Thread(() -> runOne(one.getKey(), one.getValue()));
                thread.start();
                threads.add(thread);
            }
        }
        for (Thread thread : threads) {
            thread.join();
        }
        context.close();
        System.exit(0);
    }

    private static void prepare(String namesrv) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("exchange-operator");
        producer.setNamesrvAddr(namesrv);
        producer.start();
        for (String topic : new String[] {"order-topic", "asset-topic", "trade-topic", "notify-topic", "market-topic"}) {
            producer.send(new org.apache.rocketmq.common.message.Message(topic, "MADE", new byte[] {'{', '}'}));
        }
        producer.shutdown();
    }

    private static void runOne(String name, Body body) {
        long begin = System.nanoTime();
        String status = "ok";
        String reason = "";
        try {
            body.run();
        } catch (Throwable e) {
            status = "FAILED";
            reason = e.toString().replace('\n', ' ');
        }
        System.out.printf(Locale.ROOT, "CASE %s %s %.1f %s%n", name, status, (System.nanoTime() - begin) / 1e9, reason);
    }

    static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static void await(int seconds, String what, Callable<Boolean> holds) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (!holds.call()) {
            check(System.nanoTime() < end, "not within " + seconds + " s: " + what);
            Thread.sleep(20);
        }
    }

    /** For showing that something does not happen, and only there. */
    static void stays(int millis, String what, Callable<Boolean> holds) throws Exception {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (System.nanoTime() < end) {
            check(holds.call(), what);
            Thread.sleep(20);
        }
    }

    private static Message<OrderDTO> order(String number, boolean bad) {
        OrderDTO order = new OrderDTO();
        order.orderNo = RUN + number;
        order.symbol = "BTCUSDT";
        order.price = "50000.00";
        order.amount = "0.001";
        order.bad = bad;
        return MessageBuilder.withPayload(order)
            .setHeader("message_id", "msg_" + number)
            .setHeader("KEYS", order.orderNo)
            .setHeader("trace_id", "trace_" + number)
            .build();
    }

    private static void stored(SendResult result) {
        check(result.getSendStatus() == SendStatus.SEND_OK, "status " + result.getSendStatus());
    }

    private static void ordersByTag() throws Exception {
        for (String tag : new String[] {"ORDER_CREATE", "ORDER_TRADE", "ORDER_TIMEOUT", "ORDER_OTHER"}) {
            stored(rocketMQTemplate.syncSend("order-topic:" + tag, order("tag" + tag, false)));
        }
        await(60, "three orders", () -> Received.orders("tag").size() == 3);
        stays(300, "the fourth tag is not subscribed", () -> Received.orders("tag").size() == 3);
        for (var message : Received.orders("tag")) {
            check(message.getKeys().startsWith(RUN), "keys " + message.getKeys());
            check(message.getUserProperty("trace_id").equals("trace_tag" + message.getTags()), "header as property");
        }
    }

    private static void change(String user, int number) {
        AssetChangeDTO change = new AssetChangeDTO();
        change.userId = RUN + "-" + user;
        change.flowNo = number;
        change.amount = "-0.001";
        Message<AssetChangeDTO> message = MessageBuilder.withPayload(change)
            .setHeader("KEYS", "asset_" + number).build();
        stored(rocketMQTemplate.syncSendOrderly("asset-topic:ASSET_CHANGE", message, change.userId));
    }

    private static long changes(String of) {
        return Received.assets().stream().filter(change -> change.userId.startsWith(RUN + "-" + of)).count();
    }

    /**
     * A new group of a 5.x client begins behind the last message of a queue, from the moment it was given the queue,
     * which may be 20 s after its start: until then what is sent is not for it. Twelve users, so that every queue has
     * one.
     */
    private static void waitForTheListener() throws Exception {
        for (int user = 0; user < 12; user++) {
            String early = "early" + user + "-";
            await(60, "the listener", () -> {
                change(early, 0);
                Thread.sleep(50);
                return changes(early) > 0;
            });
        }
    }

    private static void assetsInOrder() throws Exception {
        waitForTheListener();
        for (int i = 0; i < 30; i++) {
            change("" + i % 3, i);
        }
        await(60, "thirty changes", () -> changes("0") + changes("1") + changes("2") >= 30);
        for (int user = 0; user < 3; user++) {
            int next = user;
            for (AssetChangeDTO change : Received.assets()) {
                if (change.userId.equals(RUN + "-" + user)) {
                    check(change.flowNo == next, "user " + user + ": expected " + next + ", got " + change.flowNo);
                    next += 3;
                }
            }
            check(next == 30 + user, "user " + user + " has all");
        }
    }

    private static void marketData() throws Exception {
        CompletableFuture<SendResult> done = new CompletableFuture<>();
        rocketMQTemplate.asyncSend("market-topic:MARKET_DATA",
            MessageBuilder.withPayload("{\"symbol\":\"BTCUSDT\",\"run\":\"" + RUN + "\"}").build(), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    done.complete(result);
                }

                @Override
                public void onException(Throwable e) {
                    done.completeExceptionally(e);
                }
            });
        stored(done.get(10, TimeUnit.SECONDS));
        await(60, "the market data", () -> Received.market.stream().anyMatch(text -> text.contains(RUN)));
    }

    private static void batchOfTrades() throws Exception {
        List<Message<String>> trades = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            trades.add(MessageBuilder.withPayload(RUN + " trade " + i).build());
        }
        // The document gives a batch a delay level, which no RocketMQ client does: without it.
        stored(rocketMQTemplate.syncSend("trade-topic:TRADE_BATCH", trades, 5000));
        await(60, "ten trades", () -> Received.trades.stream().filter(text -> text.startsWith(RUN)).count() == 10);
    }

    private static void notifyBroadcast() throws Exception {
        // A broadcast consumer begins at the end: what is sent before it stands there is not for it.
        await(60, "the notice", () -> {
            rocketMQTemplate.convertAndSend("notify-topic", RUN + " notice");
            Thread.sleep(300);
            return Received.notices.stream().anyMatch(text -> text.startsWith(RUN));
        });
    }

    private static void orderTimeout() throws Exception {
        // The document's own levels, 18 (two hours) and 19 (there is none: taken as 18).
        stored(rocketMQTemplate.syncSend("order-topic:ORDER_TIMEOUT", order("late18", false), 3000, 18));
        stored(rocketMQTemplate.syncSend("order-topic:ORDER_TIMEOUT", order("late19", false), 3000, 19));
        long start = System.currentTimeMillis();
        stored(rocketMQTemplate.syncSend("order-topic:ORDER_TIMEOUT", order("soon", false), 3000, 2));
        await(60, "the order of level 2", () -> Received.orders("soon").size() == 1);
        long took = System.currentTimeMillis() - start;
        check(took >= 4900, "after " + took + " ms");
        check(Received.orders("late").isEmpty(), "the others are not due");
    }

    private static void deadLetter() throws Exception {
        stored(rocketMQTemplate.syncSend("order-topic:ORDER_CREATE", order("bad", true)));
        await(150, "the dead letter", () -> !Received.dead().isEmpty());
        check(Received.dead().get(0).getTags().equals("ORDER_CREATE"), "tag");
        check(Received.orders("bad").size() == 2, "tried twice: " + Received.orders("bad").size());
    }
}
