import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Everything a producer can ask for. */
final class SendCases {
    static void add(Harness h) {
        h.quick("send.sync", SendCases::sync);
        h.quick("send.async", SendCases::async);
        h.quick("send.oneway", SendCases::oneway);
        h.quick("send.selected-queue", SendCases::selectedQueue);
        h.quick("send.batch", SendCases::batch);
        h.quick("send.compressed-body", SendCases::compressed);
        h.quick("send.empty-tag-and-binary-body", SendCases::binaryBody);
        h.quick("send.over-4-mib-is-refused", SendCases::tooLarge);
        h.quick("send.just-under-4-mib", SendCases::justUnder);
        h.quick("send.properties-and-keys", SendCases::properties);
        h.quick("send.delay-levels", SendCases::delayLevels);
        h.quick("send.unknown-topic-is-created", SendCases::autoCreate);
        h.quick("send.one-name-server-is-dead", SendCases::deadNameServer);
        h.quick("send.read-only-topic-is-refused", SendCases::readOnly);
        h.quick("send.wait-store-false-travels", SendCases::waitStore);
        h.quick("send.namespace", SendCases::namespace);
    }

    private static MessageExt only(Client.Got got) throws Exception {
        Harness.await(45, "one message", () -> got.has(1));
        return got.all.get(0);
    }

    private static void sync() throws Exception {
        String topic = Client.topic("sync", 2);
        DefaultMQProducer producer = Client.producer();
        long[] next = new long[2];
        for (int i = 0; i < 10; i++) {
            SendResult result = producer.send(Client.message(topic, "T", "m" + i));
            Harness.same(SendStatus.SEND_OK, result.getSendStatus(), "status");
            // 32 digits, or 56 where the client's own address is an IPv6 one.
            Harness.check(result.getMsgId().matches("[0-9A-F]{32}|[0-9A-F]{56}"), "msgId " + result.getMsgId());
            Harness.check(result.getOffsetMsgId().matches("[0-9A-F]{32}"), "offsetMsgId " + result.getOffsetMsgId());
            Harness.same(topic, result.getMessageQueue().getTopic(), "topic");
            int queue = result.getMessageQueue().getQueueId();
            Harness.same(next[queue]++, result.getQueueOffset(), "queue offset");
        }
        Harness.same(5L, next[0], "messages spread over the queues");
        Client.Got got = Client.consume(Client.unique("g"), topic, "*");
        Harness.await(45, "ten messages", () -> got.has(10));
        Harness.same(Client.numbered("m", 10), got.bodies(), "bodies");
    }

    private static void async() throws Exception {
        String topic = Client.topic("async", 4);
        DefaultMQProducer producer = Client.producer();
        CountDownLatch sent = new CountDownLatch(100);
        AtomicReference<Throwable> error = new AtomicReference<>();
        for (int i = 0; i < 100; i++) {
            producer.send(Client.message(topic, "T", "a" + i), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    sent.countDown();
                }

                @Override
                public void onException(Throwable e) {
                    error.set(e);
                }
            });
        }
        Harness.check(sent.await(15, TimeUnit.SECONDS), "all callbacks, error " + error.get());
        Client.Got got = Client.consume(Client.unique("g"), topic, "T");
        Harness.await(45, "hundred messages", () -> got.has(100));
        Harness.same(Client.numbered("a", 100), got.bodies(), "bodies");
    }

    private static void oneway() throws Exception {
        String topic = Client.topic("oneway", 1);
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 5; i++) {
            producer.sendOneway(Client.message(topic, "T", "o" + i));
        }
        Client.Got got = Client.consume(Client.unique("g"), topic, "*");
        Harness.await(45, "five messages", () -> got.has(5));
        Harness.same(Client.numbered("o", 5), got.bodies(), "bodies");
    }

    private static void selectedQueue() throws Exception {
        String topic = Client.topic("selected", 4);
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 8; i++) {
            SendResult result = producer.send(Client.message(topic, "T", "s" + i),
                (queues, message, arg) -> queues.stream()
                    .filter(q -> q.getQueueId() == (Integer) arg).findFirst().orElseThrow(), i % 4);
            Harness.same(i % 4, result.getMessageQueue().getQueueId(), "queue");
            Harness.same((long) (i / 4), result.getQueueOffset(), "offset");
        }
        MessageQueue second = producer.fetchPublishMessageQueues(topic).get(1);
        Harness.same(2L, producer.send(Client.message(topic, "T", "direct"), second).getQueueOffset(), "offset");
        Harness.same(4, producer.fetchPublishMessageQueues(topic).size(), "publish queues");
    }

    private static void batch() throws Exception {
        String topic = Client.topic("batch", 1);
        DefaultMQProducer producer = Client.producer();
        List<Message> batch = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Message message = Client.message(topic, i % 2 == 0 ? "even" : "odd", "b" + i);
            message.setKeys("key" + i);
            batch.add(message);
        }
        SendResult result = producer.send(batch);
        Harness.same(SendStatus.SEND_OK, result.getSendStatus(), "status");
        Harness.same(20, result.getMsgId().split(",").length, "client ids");
        Harness.same(20, result.getOffsetMsgId().split(",").length, "offset ids");
        Harness.same(0L, result.getQueueOffset(), "offset of the first");
        Harness.same(20L, producer.send(Client.message(topic, "odd", "single")).getQueueOffset(), "offset after it");
        Client.Got even = Client.consume(Client.unique("g"), topic, "even");
        Harness.await(45, "ten even messages", () -> even.has(10));
        Harness.stays(300, "only even ones", () -> even.all.size() == 10);
        for (MessageExt message : even.all) {
            Harness.same("b" + message.getQueueOffset(), Client.text(message), "body at its offset");
            Harness.same("key" + message.getQueueOffset(), message.getKeys(), "keys");
        }
        String[] ids = result.getOffsetMsgId().split(",");
        MessageExt seventh = Client.admin().viewMessage(topic, ids[7]);
        Harness.same("b7", Client.text(seventh), "body by the eighth offset id");
    }

    private static void compressed() throws Exception {
        String topic = Client.topic("compressed", 1);
        byte[] body = new byte[100_000];
        for (int i = 0; i < body.length; i++) {
            body[i] = (byte) (i / 1000);
        }
        SendResult result = Client.producer().send(new Message(topic, "T", body));
        Client.Got got = Client.consume(Client.unique("g"), topic, "*");
        MessageExt message = only(got);
        Harness.check(Arrays.equals(body, message.getBody()), "body after decompression");
        Harness.check(message.getStoreSize() < 10_000, "stored compressed: " + message.getStoreSize());
        Harness.check(Arrays.equals(body, Client.admin().viewMessage(topic, result.getOffsetMsgId()).getBody()),
            "body by id");
    }

    private static void binaryBody() throws Exception {
        String topic = Client.topic("binary", 1);
        byte[] body = new byte[256];
        for (int i = 0; i < body.length; i++) {
            body[i] = (byte) i;
        }
        Client.producer().send(new Message(topic, body));
        MessageExt message = only(Client.consume(Client.unique("g"), topic, "*"));
        Harness.check(Arrays.equals(body, message.getBody()), "body");
        Harness.same(null, message.getTags(), "tag");
    }

    private static byte[] noise(int size) {
        byte[] body = new byte[size];
        new Random(1).nextBytes(body);
        return body;
    }

    private static void tooLarge() throws Exception {
        String topic = Client.topic("toolarge", 1);
        DefaultMQProducer producer = Client.producer(p -> {
            p.setMaxMessageSize(16 << 20);
            p.setRetryTimesWhenSendFailed(0);
        });
        try {
            producer.send(new Message(topic, noise((4 << 20) + 1)));
            throw new AssertionError("accepted");
        } catch (MQBrokerException e) {
            Harness.same(13, e.getResponseCode(), "response code of " + e.getErrorMessage());
        }
        Harness.same(SendStatus.SEND_OK, producer.send(Client.message(topic, "T", "after")).getSendStatus(), "after");
    }

    private static void justUnder() throws Exception {
        String topic = Client.topic("large", 1);
        byte[] body = noise((4 << 20) - 64);
        // Compressing what cannot be compressed would make it longer than the limit.
        DefaultMQProducer producer = Client.producer(p -> p.setCompressMsgBodyOverHowmuch(8 << 20));
        Harness.same(SendStatus.SEND_OK, producer.send(new Message(topic, body), 10_000).getSendStatus(), "status");
        MessageExt message = only(Client.consume(Client.unique("g"), topic, "*"));
        Harness.check(Arrays.equals(body, message.getBody()), "body");
    }

    private static void properties() throws Exception {
        String topic = Client.topic("properties", 1);
        Message message = new Message(topic, "标签", "k1 k2", 7, "内容".getBytes("UTF-8"), true);
        message.putUserProperty("plain", "value");
        message.putUserProperty("chinese", "票务=系统");
        message.putUserProperty("long", "x".repeat(20_000));
        message.setBuyerId("buyer");
        long before = System.currentTimeMillis();
        SendResult result = Client.producer().send(message);
        MessageExt got = only(Client.consume(Client.unique("g"), topic, "标签"));
        Harness.same("内容", Client.text(got), "body");
        Harness.same("标签", got.getTags(), "tag");
        Harness.same("k1 k2", got.getKeys(), "keys");
        Harness.same(7, got.getFlag(), "flag");
        Harness.same("value", got.getUserProperty("plain"), "user property");
        Harness.same("票务=系统", got.getUserProperty("chinese"), "user property");
        Harness.same(20_000, got.getUserProperty("long").length(), "user property");
        Harness.same("buyer", got.getBuyerId(), "buyer");
        Harness.same(result.getMsgId(), got.getMsgId(), "unique key");
        Harness.same(0, got.getReconsumeTimes(), "reconsume times");
        Harness.same(0, got.getQueueId(), "queue");
        Harness.same("1", got.getProperty("MAX_OFFSET"), "MAX_OFFSET");
        Harness.same("0", got.getProperty("MIN_OFFSET"), "MIN_OFFSET");
        Harness.check(Math.abs(got.getStoreTimestamp() - before) < 10_000, "store time");
        Harness.check(Math.abs(got.getBornTimestamp() - before) < 10_000, "born time");
        Harness.same("127.0.0.1", got.getBornHostString(), "born host");
    }

    private static void delayLevels() throws Exception {
        String topic = Client.topic("delay", 2);
        Client.Got got = Client.consume(Client.unique("g"), topic, "late || now");
        DefaultMQProducer producer = Client.producer();
        // A first message tells that the consumer is at work, so that what follows measures the broker alone.
        producer.send(Client.message(topic, "now", "0"));
        Harness.await(45, "the first message", () -> got.has(1));
        long start = System.currentTimeMillis();
        for (int level : new int[] {2, 1}) {
            Message message = Client.message(topic, "late", Integer.toString(level));
            message.setKeys("delayed");
            message.setDelayTimeLevel(level);
            Harness.same(SendStatus.SEND_OK, producer.send(message).getSendStatus(), "status");
        }
        Message farther = Client.message(topic, "late", "far");
        farther.setDelayTimeLevel(19);  // beyond the last level: taken as the last one, two hours
        Harness.same(SendStatus.SEND_OK, producer.send(farther).getSendStatus(), "status of level 19");
        producer.send(Client.message(topic, "now", "now"));
        Harness.await(45, "the delayed messages", () -> got.has(4));
        Harness.same("now", Client.text(got.all.get(1)), "the one without delay comes first");
        Harness.same("1", Client.text(got.all.get(2)), "then one second");
        Harness.same("2", Client.text(got.all.get(3)), "then five seconds");
        long one = got.at.get(2) - start;
        long five = got.at.get(3) - start;
        Harness.check(one >= 950 && one < 3500, "level 1 after " + one + " ms");
        Harness.check(five >= 4950 && five < 8000, "level 2 after " + five + " ms");
        MessageExt late = got.all.get(2);
        Harness.same(topic, late.getTopic(), "topic");
        Harness.same("late", late.getTags(), "tag");
        Harness.same("delayed", late.getKeys(), "keys");
        Harness.same(0, late.getReconsumeTimes(), "reconsume times");
    }

    private static void autoCreate() throws Exception {
        String topic = Client.unique("auto");
        DefaultMQProducer producer = Client.producer();
        SendResult result = producer.send(Client.message(topic, "T", "first"));
        Harness.same(SendStatus.SEND_OK, result.getSendStatus(), "status");
        var route = Client.admin().examineTopicRouteInfo(topic);
        Harness.same(4, route.getQueueDatas().get(0).getReadQueueNums(), "read queues");
        Harness.same(4, route.getQueueDatas().get(0).getWriteQueueNums(), "write queues");
        Harness.same(6, route.getQueueDatas().get(0).getPerm(), "perm");
        Harness.same("first", Client.text(only(Client.consume(Client.unique("g"), topic, "*"))), "body");
    }

    private static void deadNameServer() throws Exception {
        String topic = Client.topic("dead", 1);
        for (String list : new String[] {"127.0.0.1:1;" + Client.namesrv, Client.namesrv + ";127.0.0.1:1"}) {
            DefaultMQProducer producer = Client.producer(p -> p.setNamesrvAddr(list));
            // A 5.x client may fail until its own look at the name servers has found the dead one.
            Harness.await(15, "sent with " + list, () -> {
                try {
                    return producer.send(Client.message(topic, "T", "x")).getSendStatus() == SendStatus.SEND_OK;
                } catch (Exception e) {
                    return false;
                }
            });
        }
    }

    private static void readOnly() throws Exception {
        String topic = Client.topic("readonly", 2);
        Client.producer().send(Client.message(topic, "T", "while it may"));
        Client.permit(topic, 2, 4);
        // Producers leave queues out that the route calls unwritable. (The original's broker itself
        // checks no topic's permission on sends: who still has the old route goes on sending.)
        try {
            Client.producer().send(Client.message(topic, "T", "never knew better"));
            throw new AssertionError("accepted");
        } catch (MQClientException e) {
            Harness.check(e.getMessage().contains("No route info") || e.getMessage().contains("no route info"),
                "no writable queue in the route: " + e.getMessage());
        }
        // What is there can still be read.
        Harness.same("while it may", Client.text(only(Client.consume(Client.unique("g"), topic, "*"))), "body");
    }

    private static void waitStore() throws Exception {
        String topic = Client.topic("wait", 1);
        Message message = Client.message(topic, "T", "x");
        message.setWaitStoreMsgOK(false);
        Client.producer().send(message);
        Harness.same("false", only(Client.consume(Client.unique("g"), topic, "*")).getProperty("WAIT"), "WAIT");
    }

    @SuppressWarnings("deprecation")
    private static void namespace() throws Exception {
        String space = Client.unique("space");
        String topic = Client.unique("in");
        Client.permit(space + "%" + topic, 1, 6);
        DefaultMQProducer producer = Client.producer(p -> p.setNamespace(space));
        producer.send(Client.message(topic, "T", "inside"));
        var consumer = Client.consumer(Client.unique("g"));
        consumer.setNamespace(space);
        consumer.subscribe(topic, "*");
        Client.Got got = new Client.Got();
        consumer.registerMessageListener(got);
        Client.start(consumer);
        Harness.same("inside", Client.text(only(got)), "body");
        Harness.same(topic, got.all.get(0).getTopic(), "topic without namespace");
    }
}
