import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;

/** What may be switched for a group or a topic, and the name server's tables. */
final class GroupCases {
    static void add(Harness h) {
        h.quick("group.suspended-then-resumed", GroupCases::suspended);
        h.quick("group.broadcast-forbidden", GroupCases::noBroadcast);
        h.quick("group.settings-are-kept", GroupCases::settings);
        h.quick("topic.write-only-refuses-pulls", GroupCases::writeOnly);
        h.quick("topic.more-queues-later", GroupCases::moreQueues);
        h.quick("topic.delete", GroupCases::delete);
        h.quick("namesrv.kv-config", GroupCases::kv);
        h.quick("namesrv.lists", GroupCases::lists);
    }

    private static void suspended() throws Exception {
        String topic = Client.topic("suspend", 1);
        String group = Client.unique("g");
        var config = Shim.group(group);
        config.setConsumeEnable(false);
        Client.admin().createAndUpdateSubscriptionGroupConfig(Client.broker(), config);
        Client.Got got = Client.consume(group, topic, "*");
        DefaultMQProducer producer = Client.producer();
        producer.send(Client.message(topic, "T", "held"));
        Harness.stays(3000, "nothing while suspended", () -> got.all.isEmpty());
        config.setConsumeEnable(true);
        Client.admin().createAndUpdateSubscriptionGroupConfig(Client.broker(), config);
        Harness.await(45, "the message after it", () -> got.has(1));
    }

    private static void noBroadcast() throws Exception {
        String topic = Client.topic("nobroadcast", 1);
        String group = Client.unique("g");
        var config = Shim.group(group);
        config.setConsumeBroadcastEnable(false);
        Client.admin().createAndUpdateSubscriptionGroupConfig(Client.broker(), config);
        DefaultMQPushConsumer consumer = Client.consumer(group);
        Shim.broadcast(consumer);
        consumer.subscribe(topic, "*");
        Client.Got got = new Client.Got();
        consumer.registerMessageListener(got);
        Client.start(consumer);
        Client.producer().send(Client.message(topic, "T", "x"));
        Harness.stays(3000, "nothing by broadcasting", () -> got.all.isEmpty());
        Client.Got clustering = Client.consume(Client.unique("g"), topic, "*");
        Harness.await(45, "others get it", () -> clustering.has(1));
    }

    private static void settings() throws Exception {
        String group = Client.unique("g");
        var config = Shim.group(group);
        config.setRetryMaxTimes(7);
        config.setRetryQueueNums(2);
        Client.admin().createAndUpdateSubscriptionGroupConfig(Client.broker(), config);
        var all = Client.admin().getAllSubscriptionGroup(Client.broker(), 5000).getSubscriptionGroupTable();
        Harness.check(all.containsKey(group), "group is listed");
        Harness.same(7, all.get(group).getRetryMaxTimes(), "retry max");
        Harness.same(2, all.get(group).getRetryQueueNums(), "retry queues");
    }

    @SuppressWarnings("deprecation")
    private static void writeOnly() throws Exception {
        String topic = Client.topic("writeonly", 1, 2);
        var sent = Client.producer().send(Client.message(topic, "T", "x"));
        var puller = Client.puller(Client.unique("g"));
        try {
            puller.pull(sent.getMessageQueue(), "*", 0, 1);
            throw new AssertionError("pulled");
        } catch (org.apache.rocketmq.client.exception.MQBrokerException e) {
            Harness.same(16, e.getResponseCode(), "response code of " + e.getErrorMessage());
        }
        Client.permit(topic, 1, 6);
        Harness.same(1, puller.pull(sent.getMessageQueue(), "*", 0, 1).getMsgFoundList().size(), "later it may");
    }

    private static void moreQueues() throws Exception {
        String topic = Client.topic("grow", 1);
        DefaultMQProducer producer = Client.producer();
        producer.send(Client.message(topic, "T", "one"));
        Client.admin().createAndUpdateTopicConfig(Client.broker(),
            new org.apache.rocketmq.common.TopicConfig(topic, 4, 4, 6));
        DefaultMQProducer fresh = Client.producer();
        Harness.await(10, "four queues", () -> fresh.fetchPublishMessageQueues(topic).size() == 4);
        Harness.same(1L, Client.admin().examineTopicStats(topic).getOffsetTable().values().stream()
            .mapToLong(o -> o.getMaxOffset()).sum(), "what was there stays");
    }

    private static void delete() throws Exception {
        String topic = Client.topic("gone", 2);
        Client.producer().send(Client.message(topic, "T", "x"));
        Client.admin().deleteTopicInBroker(Set.of(Client.broker()), topic);
        // Again until it is gone: a registration under way may bring the topic back once.
        Harness.await(10, "no route", () -> {
            Shim.deleteRoute(Client.admin(), Client.namesrv, "DefaultCluster", topic);
            try {
                Client.admin().examineTopicRouteInfo(topic);
                return false;
            } catch (org.apache.rocketmq.client.exception.MQClientException e) {
                Harness.same(17, e.getResponseCode(), "response code");
                return true;
            }
        });
    }

    private static void kv() throws Exception {
        String space = Client.unique("space");
        Client.admin().createAndUpdateKvConfig(space, "k", "v");
        Harness.same("v", Client.admin().getKVConfig(space, "k"), "value");
        Harness.same("v", Client.admin().getKVListByNamespace(space).getTable().get("k"), "list");
        Client.admin().deleteKvConfig(space, "k");
        try {
            Harness.same(null, Client.admin().getKVConfig(space, "k"), "deleted");
        } catch (org.apache.rocketmq.client.exception.MQClientException e) {
            Harness.same(22, e.getResponseCode(), "response code");
        }
    }

    private static void lists() throws Exception {
        String topic = Client.topic("listed", 1);
        Harness.check(Client.admin().fetchAllTopicList().getTopicList().contains(topic), "in the topic list");
        var cluster = Client.admin().examineBrokerClusterInfo();
        Harness.check(cluster.getClusterAddrTable().containsKey("DefaultCluster"), "cluster");
        String broker = cluster.getClusterAddrTable().get("DefaultCluster").iterator().next();
        Harness.check(cluster.getBrokerAddrTable().get(broker).getBrokerAddrs().containsKey(0L), "master");
        for (String built : new String[] {"TBW102", "DefaultCluster", broker}) {
            Harness.check(!Client.admin().examineTopicRouteInfo(built).getQueueDatas().isEmpty(), "route of " + built);
        }
        Harness.check(Client.admin().fetchTopicsByCLuster("DefaultCluster").getTopicList().contains(topic), "of cluster");
        var runtime = Client.admin().fetchBrokerRuntimeStats(Client.broker()).getTable();
        Harness.check(runtime.containsKey("putTps") && runtime.containsKey("bootTimestamp"), "runtime " + runtime);
    }
}
