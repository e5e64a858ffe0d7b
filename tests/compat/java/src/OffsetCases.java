import java.util.List;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Where a group begins, where it stands, and finding messages. */
final class OffsetCases {
    static void add(Harness h) {
        h.quick("offset.first", () -> from(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET));
        h.quick("offset.last-on-a-young-topic-is-first", () -> from(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET));
        h.quick("offset.timestamp-on-a-young-topic-is-first", () -> from(ConsumeFromWhere.CONSUME_FROM_TIMESTAMP));
        h.quick("offset.progress-survives-restart", OffsetCases::restart);
        h.quick("offset.search-by-time", OffsetCases::search);
        h.quick("offset.reset-by-time-reaches-live-consumer", OffsetCases::resetLive);
        h.quick("offset.consume-stats", OffsetCases::stats);
        h.quick("view.by-offset-id", OffsetCases::byOffsetId);
        h.quick("view.by-unique-key", OffsetCases::byUniqueKey);
    }

    /**
     * A group without progress asks the broker first, and the broker answers 0 while the queue still
     * holds its first message (and it is not on disk only): so all three begin at the first message.
     */
    private static void from(ConsumeFromWhere where) throws Exception {
        String topic = Client.topic("where", 1);
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 3; i++) {
            producer.send(Client.message(topic, "T", "w" + i));
        }
        DefaultMQPushConsumer consumer = Client.consumer(Client.unique("g"));
        consumer.setConsumeFromWhere(where);
        consumer.setConsumeTimestamp(UtilAll.timeMillisToHumanString3(System.currentTimeMillis() + 60_000));
        consumer.subscribe(topic, "*");
        Client.Got got = new Client.Got();
        consumer.registerMessageListener(got);
        Client.start(consumer);
        producer.send(Client.message(topic, "T", "w3"));
        Harness.await(45, "all four", () -> got.has(4));
        Harness.same(Client.numbered("w", 4), got.bodies(), "bodies");
    }

    private static void restart() throws Exception {
        String topic = Client.topic("restart", 4);
        String group = Client.unique("g");
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 20; i++) {
            producer.send(Client.message(topic, "T", "old" + i));
        }
        Client.Got before = new Client.Got();
        DefaultMQPushConsumer first = Client.consumer(group);
        first.subscribe(topic, "*");
        first.registerMessageListener(before);
        first.start();
        Harness.await(45, "twenty", () -> before.has(20));
        Harness.await(45, "twenty settled", () -> Client.settled(first, topic) == 20);
        first.shutdown();
        for (int i = 0; i < 5; i++) {
            producer.send(Client.message(topic, "T", "new" + i));
        }
        Client.Got after = Client.consume(group, topic, "*");
        Harness.await(45, "five", () -> after.has(5));
        Harness.stays(500, "nothing twice", () -> after.all.size() == 5);
        Harness.same(Client.numbered("new", 5), after.bodies(), "bodies");
    }

    @SuppressWarnings("deprecation")
    private static void search() throws Exception {
        String topic = Client.topic("search", 1);
        DefaultMQProducer producer = Client.producer();
        DefaultMQPullConsumer consumer = Client.puller(Client.unique("g"));
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(topic).iterator().next();
        long start = System.currentTimeMillis();
        long[] stored = new long[5];
        for (int i = 0; i < 5; i++) {
            producer.send(Client.message(topic, "T", "s" + i));
            stored[i] = Client.storedAt(consumer, queue, i);
            Client.awaitLater(stored[i]);
        }
        for (int i = 0; i < 5; i++) {
            Harness.check(i == 0 || stored[i - 1] < stored[i], "store times rise");
            Harness.same((long) i, consumer.searchOffset(queue, stored[i]), "offset at the time of " + i);
            if (i > 0) {
                Harness.same((long) i, consumer.searchOffset(queue, stored[i - 1] + 1), "offset after " + (i - 1));
            }
        }
        Harness.same(0L, consumer.searchOffset(queue, start - 100_000), "before all");
        // After the last message: 5.x brokers answer the end of the queue, 4.x ones the last message.
        long late = consumer.searchOffset(queue, System.currentTimeMillis() + 60_000);
        Harness.same(5L, late, "after all");
        long earliest = consumer.earliestMsgStoreTime(queue);
        Harness.same(stored[0], earliest, "earliest store time");
    }

    private static void resetLive() throws Exception {
        String topic = Client.topic("reset", 2);
        String group = Client.unique("g");
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 10; i++) {
            producer.send(Client.message(topic, "T", "r" + i));
        }
        Client.Got got = Client.consume(group, topic, "*");
        Harness.await(45, "ten", () -> got.has(10));
        var table = Client.admin().resetOffsetByTimestamp(topic, group, System.currentTimeMillis() - 3_600_000, true);
        Harness.same(2, table.size(), "queues in the answer");
        for (var entry : table.entrySet()) {
            Harness.same(0L, entry.getValue(), "offset of " + entry.getKey());
        }
        Harness.await(75, "ten again", () -> got.has(20));
        producer.send(Client.message(topic, "T", "r10"));
        Harness.await(45, "and it goes on", () -> got.bodies().contains("r10"));
    }

    private static void stats() throws Exception {
        String topic = Client.topic("stats", 2);
        String group = Client.unique("g");
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 6; i++) {
            producer.send(Client.message(topic, "T", "s" + i));
        }
        Client.Got got = Client.consume(group, topic, "*");
        Harness.await(45, "six", () -> got.has(6));
        // Consumers tell the broker their progress every five seconds.
        Harness.await(25, "no lag", () ->
            Client.admin().examineConsumeStats(group, topic).computeTotalDiff() == 0);
        var stats = Client.admin().examineConsumeStats(group, topic);
        Harness.same(2, stats.getOffsetTable().size(), "queues");
        for (var value : stats.getOffsetTable().values()) {
            Harness.same(3L, value.getBrokerOffset(), "broker offset");
            Harness.same(3L, value.getConsumerOffset(), "consumer offset");
            Harness.check(value.getLastTimestamp() > 0, "last time");
        }
        var connection = Client.admin().examineConsumerConnectionInfo(group);
        Harness.same(1, connection.getConnectionSet().size(), "connections");
        Harness.check(connection.getSubscriptionTable().containsKey(topic), "subscription");
        Harness.check(connection.getSubscriptionTable().containsKey("%RETRY%" + group), "retry subscription");
        var top = Client.admin().examineTopicStats(topic);
        Harness.same(6L, top.getOffsetTable().values().stream().mapToLong(o -> o.getMaxOffset()).sum(), "messages");
        var groups = Client.admin().queryTopicConsumeByWho(topic).getGroupList();
        Harness.same(Set.of(group), new java.util.HashSet<>(groups), "who consumes");
    }

    private static void byOffsetId() throws Exception {
        String topic = Client.topic("viewid", 1);
        DefaultMQProducer producer = Client.producer();
        SendResult sent = producer.send(Client.message(topic, "T", "find me"));
        MessageExt message = Client.admin().viewMessage(topic, sent.getOffsetMsgId());
        Harness.same("find me", Client.text(message), "body");
        Harness.same(sent.getQueueOffset(), message.getQueueOffset(), "offset");
        Harness.same(topic, message.getTopic(), "topic");
    }

    private static void byUniqueKey() throws Exception {
        String topic = Client.topic("viewkey", 2);
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < 5; i++) {
            producer.send(Client.message(topic, "T", "other" + i));
        }
        SendResult sent = producer.send(Client.message(topic, "T", "find me"));
        // The index is built a moment after the send was answered.
        Harness.await(10, "found", () -> {
            try {
                return Client.text(Client.admin().viewMessage(topic, sent.getMsgId())).equals("find me");
            } catch (Exception e) {
                return false;
            }
        });
    }
}
