import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Consumers that ask for themselves. */
@SuppressWarnings("deprecation")
final class PullCases {
    static void add(Harness h) {
        h.quick("pull.statuses-and-offsets", PullCases::statuses);
        h.quick("pull.stored-progress", PullCases::progress);
        h.quick("pull.blocks-until-a-message", PullCases::blocks);
        h.quick("pull.send-back", PullCases::sendBack);
        h.quick("lite.subscribe", PullCases::liteSubscribe);
        h.quick("lite.assign-and-seek", PullCases::liteAssign);
        h.quick("lite.commit-survives-restart", PullCases::liteCommit);
        h.quick("lite.from-timestamp", PullCases::liteTimestamp);
    }

    private static void send(String topic, String prefix, int count) throws Exception {
        DefaultMQProducer producer = Client.producer();
        for (int i = 0; i < count; i++) {
            producer.send(Client.message(topic, i % 2 == 0 ? "even" : "odd", prefix + i));
        }
    }

    private static MessageQueue queue(String topic, String broker) {
        return new MessageQueue(topic, broker, 0);
    }

    private static MessageQueue firstQueue(DefaultMQPullConsumer consumer, String topic) throws Exception {
        return consumer.fetchSubscribeMessageQueues(topic).stream()
            .filter(q -> q.getQueueId() == 0).findFirst().orElseThrow();
    }

    private static void statuses() throws Exception {
        String topic = Client.topic("statuses", 1);
        send(topic, "p", 10);
        DefaultMQPullConsumer consumer = Client.puller(Client.unique("g"));
        MessageQueue queue = firstQueue(consumer, topic);
        Harness.same(0L, consumer.minOffset(queue), "min offset");
        Harness.same(10L, consumer.maxOffset(queue), "max offset");
        // The broker builds its queues a moment after it answered the send.
        Harness.await(5, "readable", () -> consumer.pull(queue, "*", 9, 1).getPullStatus() == PullStatus.FOUND);

        PullResult found = consumer.pull(queue, "*", 3, 4);
        Harness.same(PullStatus.FOUND, found.getPullStatus(), "status");
        Harness.same(4, found.getMsgFoundList().size(), "count");
        Harness.same(7L, found.getNextBeginOffset(), "next");
        Harness.same(0L, found.getMinOffset(), "min");
        Harness.same(10L, found.getMaxOffset(), "max");
        Harness.same("p3", Client.text(found.getMsgFoundList().get(0)), "body");

        PullResult none = consumer.pull(queue, "nosuch", 0, 32);
        Harness.same(PullStatus.NO_MATCHED_MSG, none.getPullStatus(), "nothing matches");
        Harness.same(10L, none.getNextBeginOffset(), "next after no match");

        Harness.same(PullStatus.NO_NEW_MSG, consumer.pull(queue, "*", 10, 32).getPullStatus(), "at the end");

        PullResult beyond = consumer.pull(queue, "*", 100, 32);
        Harness.same(PullStatus.OFFSET_ILLEGAL, beyond.getPullStatus(), "beyond the end");
        Harness.same(10L, beyond.getNextBeginOffset(), "corrected to the end");

        PullResult odd = consumer.pull(queue, "odd", 0, 32);
        Harness.same(PullStatus.FOUND, odd.getPullStatus(), "odd");
        Harness.same(List.of("p1", "p3", "p5", "p7", "p9"),
            odd.getMsgFoundList().stream().map(Client::text).collect(Collectors.toList()), "odd ones");
    }

    private static void progress() throws Exception {
        String topic = Client.topic("progress", 1);
        send(topic, "p", 5);
        String group = Client.unique("g");
        DefaultMQPullConsumer consumer = Client.puller(group);
        MessageQueue queue = firstQueue(consumer, topic);
        // A group without progress on a queue that still holds its first message begins at 0.
        // (The broker builds its queues a moment after it answered the send; until then it knows nothing.)
        Harness.await(5, "a new group", () -> consumer.fetchConsumeOffset(queue, true) == 0);
        // Progress of a group that the broker does not know is refused; pulling makes it known.
        consumer.pull(queue, "*", 0, 1);
        consumer.updateConsumeOffset(queue, 3);
        consumer.getOffsetStore().persist(queue);
        DefaultMQPullConsumer other = Client.puller(group);
        Harness.await(10, "progress on the broker", () -> other.fetchConsumeOffset(queue, true) == 3);
    }

    private static void blocks() throws Exception {
        String topic = Client.topic("blocks", 1);
        DefaultMQPullConsumer consumer = Client.puller(Client.unique("g"));
        MessageQueue queue = firstQueue(consumer, topic);
        DefaultMQProducer producer = Client.producer();
        var pull = CompletableFuture.supplyAsync(() -> {
            try {
                return consumer.pullBlockIfNotFound(queue, "*", 0, 32);
            } catch (Exception e) {
                throw new CompletionException(e);
            }
        });
        Harness.stays(1500, "the pull is held", () -> !pull.isDone());
        long sent = System.currentTimeMillis();
        producer.send(Client.message(topic, "T", "awaited"));
        PullResult result = pull.get(10, TimeUnit.SECONDS);
        long waited = System.currentTimeMillis() - sent;
        Harness.same(PullStatus.FOUND, result.getPullStatus(), "status");
        Harness.same("awaited", Client.text(result.getMsgFoundList().get(0)), "body");
        Harness.check(waited < 3000, "answered " + waited + " ms after the send");
    }

    private static void sendBack() throws Exception {
        String topic = Client.topic("sendback", 1);
        send(topic, "p", 1);
        String group = Client.unique("g");
        DefaultMQPullConsumer consumer = Client.puller(group);
        MessageQueue queue = firstQueue(consumer, topic);
        Harness.await(5, "readable", () -> consumer.pull(queue, "*", 0, 1).getPullStatus() == PullStatus.FOUND);
        MessageExt message = consumer.pull(queue, "*", 0, 1).getMsgFoundList().get(0);
        consumer.sendMessageBack(message, 1, queue.getBrokerName(), group);
        Client.Got got = Client.consume(group, topic, "nosuch");
        Harness.await(45, "the message from the retry topic", () -> got.has(1));
        Harness.same("p0", Client.text(got.all.get(0)), "body");
        Harness.same(1, got.all.get(0).getReconsumeTimes(), "reconsume times");
    }

    private static void liteSubscribe() throws Exception {
        String topic = Client.topic("litesub", 4);
        send(topic, "l", 20);
        DefaultLitePullConsumer consumer = Client.lite(Client.unique("g"));
        consumer.subscribe(topic, "even");
        Client.start(consumer);
        List<MessageExt> got = Client.poll(consumer, 10, 30);
        Harness.same(10, got.size(), "even messages");
        for (MessageExt message : got) {
            Harness.same("even", message.getTags(), "tag");
        }
    }

    private static void liteAssign() throws Exception {
        String topic = Client.topic("liteassign", 2);
        send(topic, "l", 20);
        DefaultLitePullConsumer consumer = Client.lite(Client.unique("g"));
        consumer.setAutoCommit(false);
        Client.start(consumer);
        Collection<MessageQueue> queues = consumer.fetchMessageQueues(topic);
        Harness.same(2, queues.size(), "queues");
        MessageQueue one = queues.stream().filter(q -> q.getQueueId() == 1).findFirst().orElseThrow();
        consumer.assign(List.of(one));
        consumer.seek(one, 4);
        List<MessageExt> got = Client.poll(consumer, 6, 15);
        Harness.same(6, got.size(), "from offset 4 of 10");
        Harness.same(4L, got.get(0).getQueueOffset(), "first offset");
        Harness.check(got.stream().allMatch(m -> m.getQueueId() == 1), "only the assigned queue");
        consumer.seekToBegin(one);
        Harness.same(10, Client.poll(consumer, 10, 15).size(), "from the beginning");
        consumer.seekToEnd(one);
        send(topic, "n", 2);
        List<MessageExt> fresh = Client.poll(consumer, 1, 15);
        Harness.same(1, fresh.size(), "from the end");
        Harness.same(10L, fresh.get(0).getQueueOffset(), "offset");
    }

    private static void liteCommit() throws Exception {
        String topic = Client.topic("litecommit", 1);
        send(topic, "l", 10);
        String group = Client.unique("g");
        DefaultLitePullConsumer first = Client.lite(group);
        first.setAutoCommit(false);
        first.setPullBatchSize(10);
        first.subscribe(topic, "*");
        first.start();
        Harness.same(10, Client.poll(first, 10, 30).size(), "all at first");
        first.commitSync();
        MessageQueue queue = first.fetchMessageQueues(topic).iterator().next();
        Harness.await(45, "committed", () -> first.committed(queue) == 10);
        first.shutdown();
        send(topic, "n", 3);
        DefaultLitePullConsumer second = Client.lite(group);
        second.subscribe(topic, "*");
        Client.start(second);
        List<MessageExt> got = Client.poll(second, 3, 30);
        Harness.same(List.of("n0", "n1", "n2"), got.stream().map(Client::text).collect(Collectors.toList()),
            "only what came after");
    }

    private static void liteTimestamp() throws Exception {
        String topic = Client.topic("litetime", 1);
        send(topic, "old", 3);
        DefaultMQPullConsumer puller = Client.puller(Client.unique("g"));
        long between = Client.storedAt(puller, firstQueue(puller, topic), 2) + 1;
        Client.awaitLater(between);
        send(topic, "new", 3);
        DefaultLitePullConsumer consumer = Client.lite(Client.unique("g"));
        Client.start(consumer);
        MessageQueue queue = consumer.fetchMessageQueues(topic).iterator().next();
        Harness.same(3L, consumer.offsetForTimestamp(queue, between), "offset of the time between");
        consumer.assign(List.of(queue));
        consumer.seek(queue, consumer.offsetForTimestamp(queue, between));
        Set<String> got = Client.poll(consumer, 3, 15).stream().map(Client::text).collect(Collectors.toSet());
        Harness.same(Client.numbered("new", 3), got, "bodies");
    }
}
