"""The stock mqadmin: many command lines in one JVM, and what they must print.

Every expectation was seen from Apache RocketMQ 5.5.0 first; patterns leave out what differs by version.
"""
import json
import re
import subprocess
import sys
import tempfile
import time


class Driver:
    """The JVM that runs the command lines (java/src/MqAdmin.java)."""

    def __init__(self, command, env):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def run(self, words):
        self.process.stdin.write(("\t".join(words) + "\n").encode())
        self.process.stdin.flush()
        size = self.process.stdout.readline()
        if not size:
            raise RuntimeError("the JVM ended")
        return self.process.stdout.read(int(size)).decode()

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


class Case:
    """A named sequence of command lines; the first broken expectation ends it."""

    def __init__(self, driver):
        self.driver = driver

    def run(self, line):
        return self.driver.run(line if isinstance(line, list) else line.split())

    def expect(self, line, *patterns, absent=()):
        output = self.run(line)
        self.compare(line, output, patterns, absent)
        return output

    def eventually(self, seconds, line, *patterns, absent=()):
        """For what a client tells the broker a moment later."""
        end = time.monotonic() + seconds
        while True:
            output = self.run(line)
            try:
                self.compare(line, output, patterns, absent)
                return output
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    @staticmethod
    def compare(line, output, patterns, absent):
        shown = " ".join(line) if isinstance(line, list) else line
        for pattern in patterns:
            if not re.search(pattern, output, re.M):
                raise AssertionError(f"`{shown}` printed no /{pattern}/: {output[:600]!r}")
        for pattern in absent:
            if re.search(pattern, output, re.M):
                raise AssertionError(f"`{shown}` printed /{pattern}/: {output[:600]!r}")


def cases(namesrv, broker, name):
    """(name, function) of every case. `name` is the broker's name, `broker` its address."""
    port = namesrv.rsplit(":", 1)[1]
    run = f"{int(time.time()) % 10 ** 6:x}"
    topic, group = f"adm_topic_{run}", f"adm_group_{run}"

    def document_003(c):
        for one in ("order-create", "order-payment", "stock-lock", "stock-deduct"):
            c.expect(f"updateTopic -c DefaultCluster -t {one} -r 8 -w 8",
                     rf"create topic to {re.escape(broker)} success",
                     rf"topicName={one}, readQueueNums=8, writeQueueNums=8, perm=RW-")
            c.expect(f"topicRoute -t {one}", r'"readQueueNums":\s*8', r'"writeQueueNums":\s*8', r'"perm":\s*6')

    def document_000(c):
        c.expect(f"topicList -n localhost:{port}", r"^TBW102$")
        # The document's group has never consumed here: the original says so by its retry topic.
        c.expect(f"consumerProgress -n localhost:{port} -g portfolio_unknown_{run}",
                 rf"CODE: 17 .*%RETRY%portfolio_unknown_{run}")
        c.expect("@send PORTFOLIO_AI_ANALYSIS_REQUEST AI_PORTFOLIO_ANALYSIS ai_1 {}", r"^[0-9A-F]{32}")
        c.expect("@consumer portfolio_consumer_group PORTFOLIO_AI_ANALYSIS_REQUEST", "consuming")
        c.eventually(25, f"consumerProgress -n localhost:{port} -g portfolio_consumer_group",
                     r"^#Topic +#Broker Name +#QID +#Broker Offset +#Consumer Offset",
                     rf"^PORTFOLIO_AI_ANALYSIS_REQUEST +{name} +\d+ +\d+ +\d+ +\d+", r"^Consume TPS: ",
                     r"Diff Total: 0")
        c.expect("@close", "closed")

    def topic_list(c):
        c.expect(f"updateTopic -b {broker} -t {topic} -r 4 -w 4", "success", f"topicName={topic}, readQueueNums=4")
        c.expect("topicList", rf"^{topic}$", r"^TBW102$")
        c.expect("topicList -c", r"^#Cluster Name +#Topic +#Consumer Group", rf"^DefaultCluster +{topic}")
        c.expect(f"topicClusterList -t {topic}", r"^DefaultCluster$")

    def topic_route(c):
        c.expect(f"topicRoute -t {topic}", r'"brokerAddrs"', re.escape(f'0:"{broker}"'), rf'"brokerName":\s*"{name}"',
                 r'"cluster":\s*"DefaultCluster"')
        c.expect("topicRoute -t no_such_topic_" + run, r"CODE: 17 .*No topic route info")
        c.expect("topicStatus -t no_such_topic_" + run, r"CODE: 17 ")

    def topic_status(c):
        output = c.expect(f"topicStatus -t {topic}",
                          r"^#Broker Name +#QID +#Min Offset +#Max Offset +#Last Updated", rf"^{name} +3 +0 +0")
        assert len(re.findall(rf"^{name} ", output, re.M)) == 4, output
        c.expect(f"@send {topic} T key1 one", "^[0-9A-F]")
        c.eventually(5, f"topicStatus -t {topic}", rf"^{name} +\d +0 +1 +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d\d\d")

    def cluster_list(c):
        c.expect("clusterList", r"^#Cluster Name +#Broker Name +#BID +#Addr +#Version +#InTPS",
                 rf"^DefaultCluster +{name} +0 +{re.escape(broker)} +V\d_\d+_\d+")
        c.expect("clusterList -m", r"#InTotalYest +#OutTotalYest +#InTotalToday +#OutTotalToday",
                 rf"^DefaultCluster +{name} +\d+ +\d+ +\d+ +\d+")

    def groups(c):
        c.expect(f"updateSubGroup -c DefaultCluster -g {group} -r 3 -q 2",
                 rf"create subscription group to {re.escape(broker)} success", rf"groupName={group}",
                 r"retryQueueNums=2", r"retryMaxTimes=3", absent=["Exception"])
        c.expect(f"updateSubGroup -b {broker} -g {group} -r 5 -s false", "consumeEnable=false", "retryMaxTimes=5")
        c.expect(f"updateSubGroup -b {broker} -g {group}", "consumeEnable=true", "retryMaxTimes=16")

    def query_by_id(c):
        unique, offset, queue, position = c.run(f"@send {topic} TagA key9 find-me").split()
        # 5.x asks for the topic, 4.x does not know that option.
        line = f"queryMsgById -t {topic} -i {offset}" if c.version.startswith("5") else f"queryMsgById -i {offset}"
        c.expect(line, rf"^(OffsetID|Topic): +", rf"^Topic: +{topic}$", r"^Tags: +\[TagA\]", r"^Keys: +\[key9\]",
                 rf"^Queue ID: +{queue}$", rf"^Queue Offset: +{position}$", r"^Reconsume Times: +0$",
                 rf"UNIQ_KEY={unique}", r"^Message Body Path:", r"^Store Host: ")
        c.eventually(5, f"queryMsgByUniqueKey -t {topic} -i {unique}", rf"^Topic: +{topic}$", r"^Tags: +\[TagA\]",
                     rf"^Queue Offset: +{position}$")
        c.expect(f"queryMsgByOffset -t {topic} -b {name} -i {queue} -o {position}", rf"^Topic: +{topic}$",
                 r"^Keys: +\[key9\]")
        c.expect(f"queryMsgByUniqueKey -t {topic} -i {'0' * 32}", r"CODE: 208 |no message|Exception",
                 absent=[r"^Topic:"])

    def print_messages(c):
        c.expect(f"@send {topic} TagP keyP print-me", "^[0-9A-F]")
        c.eventually(5, f"printMsg -t {topic} -d true", r"^minOffset=0, maxOffset=\d+, MessageQueue \[topic=" + topic,
                     r"MSGID: [0-9A-F]+ MessageExt \[", "BODY: print-me")
        c.expect(f"printMsg -t {topic} -d true -s TagP", "BODY: print-me", absent=["BODY: find-me"])

    def send_message(c):
        # Once in a JVM: the command shuts its producer down for good.
        c.expect(f"sendMessage -t {topic} -p by-admin -k keyS -c TagS -b {name} -i 2",
                 r"#Broker Name +#QID +#Send Result +#MsgId", rf"^{name} +2 +SEND_OK +[0-9A-F]{{32,}}")
        c.eventually(5, f"printMsg -t {topic} -d true", "BODY: by-admin")

    def connections(c):
        c.expect(f"@consumer {group} {topic}", "consuming")
        c.eventually(10, f"consumerConnection -g {group}", r"^#ClientId +#ClientAddr +#Language +#Version",
                     r"127\.0\.0\.1:\d+ +JAVA +V", r"^Below is subscription:", rf"^{topic} +\*",
                     rf"^%RETRY%{group} +\*", "^ConsumeType: CONSUME_PASSIVELY", "^MessageModel: CLUSTERING",
                     "^ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET")
        c.expect(f"@producer adm_prod_{run} {topic}", "producing")
        c.eventually(10, f"producerConnection -g adm_prod_{run} -t {topic}", r"127\.0\.0\.1:\d+, JAVA, V|JAVA +V|JAVA")
        c.expect(f"producerConnection -g nobody_{run} -t {topic}", rf"CODE: 1 .*nobody_{run}.* not exist")
        c.expect(f"consumerConnection -g nobody_{run}", "Exception|not online|CODE: 206")

    def progress(c):
        c.eventually(25, f"consumerProgress -g {group}",
                     r"^#Topic +#Broker Name +#QID +#Broker Offset +#Consumer Offset",
                     rf"^{topic} +{name} +0 +\d+ +\d+ +\d+", r"^Consume TPS: ", r"Diff Total: 0")
        c.expect("consumerProgress", r"^#Group +#Count +#Version +#Type +#Model +#TPS +#Diff Total",
                 rf"^{group} +1 +V\d_\d+_\d+ +PUSH +CLUSTERING")

    def figures(c):
        """What a topic takes and a group gets in a minute; `group` still consumes."""
        c.expect(f"@send {topic} T keyF counted", "^[0-9A-F]")
        c.eventually(25, f"statsAll -t {topic}",
                     r"^#Topic +#Consumer Group +#Accumulation +#InTPS +#OutTPS +#InMsg24Hour +#OutMsg24Hour",
                     rf"^{topic} +{group} +0 +\d*\.\d*[1-9]\d* +\d*\.\d*[1-9]\d* +[1-9]\d* +[1-9]\d*")
        c.eventually(5, f"consumerProgress -g {group}", r"^Consume TPS: [0-9.]*[1-9]")
        c.expect(f"brokerStatus -b {broker}", r"^msgPutTotalTodayNow +: [1-9]", r"^msgGetTotalTodayNow +: [1-9]",
                 r"^putMessageTimesTotal +: [1-9]", r"^putMessageAverageSize +: [1-9]")
        c.expect("clusterList -m", rf"^DefaultCluster +{name} +\d+ +\d+ +[1-9]\d* +[1-9]\d*")

    def tps(c):
        def put():
            for n in range(20):
                c.run(f"@send {topic} T key{n} quick")
        put()
        c.eventually(15, f"brokerStatus -b {broker}", r"^putTps +: [0-9.]*[1-9]", r"^getTransfer?redTps +: [0-9.]*[1-9]")

    def query_queue(c):
        _, _, queue, position = c.run(f"@send {topic} TagA keyQ in-the-index").split()
        c.eventually(5, f"queryCq -t {topic} -q {queue} -i {position} -c 2 -b {broker}",
                     rf"^max: {int(position) + 1}, min: 0$", rf"^idx: {position}$", absent=["^idx: 0$"] if position != "0" else [])
        c.expect(f"queryCq -t {topic} -q {queue} -i 0 -c 1 -b {broker} -g nobody_{run}", "is not online", "^idx: 0$")
        c.expect(f"queryCq -t {topic} -q 99 -i 0 -b {broker}", rf"99@{topic} is not exist!")

    def clean(c):
        for command in ("cleanExpiredCQ", "cleanUnusedTopic", "deleteExpiredCommitLog"):
            c.expect(f"{command} -b {broker} -n {namesrv}", "^success")
        c.expect("topicList", rf"^{topic}$")

    def permission(c):
        one = f"adm_perm_{run}"
        c.expect(f"updateTopic -b {broker} -t {one} -r 4 -w 4", "success")
        c.eventually(10, f"topicRoute -t {one}", r'"perm":\s*6')
        c.expect(f"updateTopicPerm -b {broker} -t {one} -p 4", r"update topic perm from 6 to 4 in .* success")
        c.eventually(10, f"topicRoute -t {one}", r'"perm":\s*4')

    def attributes(c):
        if not c.version.startswith("5"):
            return
        one = f"adm_attributes_{run}"
        c.expect(f"updateTopic -b {broker} -t {one} -a +message.type=FIFO", "success")
        c.expect(f"updateTopic -b {broker} -t {one} -a +message.type=DELAY", "success")
        c.expect(f"updateTopic -b {broker} -t {one} -a +colour=blue", "CODE: 1 .*unsupported key: colour")
        c.expect(f"updateTopic -b {broker} -t {one} -a +queue.type=BatchCQ",
                 "CODE: 1 .*attempt to update an unchangeable attribute. key: queue.type")

    def lists(c):
        if not c.version.startswith("5"):
            return
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump([{"topicName": f"adm_list_{n}_{run}", "readQueueNums": 3, "writeQueueNums": 3} for n in (1, 2)], file)
            file.flush()
            c.expect(f"updateTopicList -b {broker} -f {file.name}", "submit batch of topic config to .* success")
        c.eventually(10, f"topicRoute -t adm_list_2_{run}", r'"readQueueNums":\s*3')
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump([{"groupName": f"adm_list_{run}", "retryMaxTimes": 3}], file)
            file.flush()
            c.expect(f"updateSubGroupList -b {broker} -f {file.name}", "submit batch of group config to .* success")
        c.expect(f"getConsumerConfig -g adm_list_{run}", r"^retryMaxTimes +=? *3|retryMaxTimes.*3")

    def clone_offsets(c):
        to = f"adm_clone_{run}"
        c.expect(f"updateSubGroup -c DefaultCluster -g {to}", "success")
        c.expect(f"cloneGroupOffset -s {group} -d {to} -t {topic}", "clone group offset success")
        # Once in a JVM: the command keeps the client that it shuts down.
        c.expect(f"brokerConsumeStats -b {broker}", rf"^{topic} +{group} +{name} +\d +\d+ +[1-9]\d* +",
                 rf"^{topic} +{to} +{name} +\d +\d+ +[1-9]\d* +", r"^Diff Total: \d+")

    def order_conf(c):
        one = f"adm_order_{run}"
        c.expect(f"updateTopic -b {broker} -t {one} -r 4 -w 4", "success")
        c.expect("updateNamesrvConfig -k orderMessageEnable -v true", "update name server config success")
        try:
            c.expect("getNamesrvConfig", r"^orderMessageEnable +=  true$")
            c.expect(f"updateOrderConf -t {one} -m put -v {name}:2", "update orderConf success")
            c.expect(f"updateOrderConf -t {one} -m get", rf"orderConf=\[{name}:2\]")
            c.expect(f"topicRoute -t {one}", rf'"orderTopicConf":\s*"{name}:2"')
        finally:
            c.run("updateNamesrvConfig -k orderMessageEnable -v false")
        c.expect(f"topicRoute -t {one}", absent=[f"{name}:2"])
        c.expect(f"updateOrderConf -t {one} -m delete", "delete orderConf success")

    def reset_live(c):
        # -1 is "the end of each queue".
        c.expect(f"resetOffsetByTime -g {group} -t {topic} -s -1", r"^#brokerName +#queueId +#offset",
                 rf"^{name} +0 +\d+", rf"^{name} +3 +\d+", absent=["Exception"])
        output = c.expect(f"resetOffsetByTime -g {group} -t {topic} -s 0", rf"^{name} +0 +0", rf"^{name} +3 +0")
        assert re.search(r"force\[true\]", output), output

    def reset_offline(c):
        offline = f"adm_offline_{run}"
        c.expect(f"resetOffsetByTime -g {offline} -t {topic} -s now", rf"CODE: 26 .*{offline}")
        c.expect(f"updateSubGroup -c DefaultCluster -g {offline}", "success")
        c.expect(f"resetOffsetByTime -g {offline} -t {topic} -s 0", rf"^{name} +0 +0", rf"^{name} +3 +0")

    def broker_status(c):
        keys = ("brokerVersionDesc", "bootTimestamp", "putTps", "getTotalTps", "msgPutTotalTodayNow",
                "msgGetTotalTodayNow", "commitLogDiskRatio", "commitLogMaxOffset", "runtime",
                "sendThreadPoolQueueSize", "pullThreadPoolQueueSize", "pageCacheLockTimeMills",
                "earliestMessageTimeStamp", "putMessageDistributeTime", "dispatchBehindBytes")
        c.expect(f"brokerStatus -b {broker}", *[rf"^{key} +: \S" for key in keys])
        c.expect("brokerStatus -c DefaultCluster", rf"^{re.escape(broker)} +brokerVersionDesc +: V")

    def write_permission(c):
        # Counted are the topics the switch touched.
        c.expect(f"wipeWritePerm -b {name}", rf"wipe write perm of broker\[{name}\] in name server\[.*\] OK, [1-9]\d*")
        try:
            c.expect("topicRoute -t TBW102", r'"perm":\s*[45]')
        finally:
            c.expect(f"addWritePerm -b {name}", rf"add write perm of broker\[{name}\] in name server\[.*\] OK, [1-9]\d*")
        c.expect("topicRoute -t TBW102", r'"perm":\s*[67]')

    def kv_config(c):
        c.expect(f"updateKvConfig -s space_{run} -k key -v value", "create or update kv config to namespace success")
        c.expect(f"deleteKvConfig -s space_{run} -k key", "delete kv config from namespace success")

    def delete_group(c):
        gone = f"adm_gone_{run}"
        c.expect(f"updateSubGroup -c DefaultCluster -g {gone}", "success")
        c.expect(f"deleteSubGroup -c DefaultCluster -g {gone}",
                 rf"delete subscription group \[{gone}\] from broker \[{re.escape(broker)}\]"
                 r" in cluster \[DefaultCluster\] success",
                 *([] if c.version.startswith("5") else [  # 5.x leaves the topics unless told by -r
                     rf"delete topic \[%RETRY%{gone}\] from cluster \[DefaultCluster\] success",
                     rf"delete topic \[%DLQ%{gone}\] from NameServer success"]))
        c.expect(f"deleteSubGroup -b {broker} -g never_was_{run}", "success")

    def delete_topic(c):
        gone = f"adm_topic_gone_{run}"
        c.expect(f"updateTopic -c DefaultCluster -t {gone}", "success", "readQueueNums=8")
        c.expect(f"deleteTopic -c DefaultCluster -t {gone}",
                 rf"delete topic \[{gone}\] from cluster \[DefaultCluster\] success",
                 rf"delete topic \[{gone}\] from NameServer success")
        c.expect("topicList", absent=[rf"^{gone}$"])
        c.expect(f"topicRoute -t {gone}", "CODE: 17 ")

    return [("write-permission", write_permission), ("document-000-lines", document_000),
            ("document-003-topics", document_003),
            ("topicList", topic_list), ("topicRoute", topic_route), ("topicStatus", topic_status),
            ("clusterList", cluster_list), ("updateSubGroup", groups), ("queryMsg", query_by_id),
            ("printMsg", print_messages), ("sendMessage", send_message), ("connections", connections),
            ("consumerProgress", progress), ("statsAll", figures), ("tps", tps), ("queryCq", query_queue),
            ("clean", clean), ("updateTopicPerm", permission), ("attributes", attributes), ("lists", lists),
            ("cloneGroupOffset", clone_offsets), ("updateOrderConf", order_conf), ("resetOffsetByTime-live", reset_live),
            ("resetOffsetByTime-offline", reset_offline), ("brokerStatus", broker_status),
            ("kv-config", kv_config),
            ("deleteSubGroup", delete_group), ("deleteTopic", delete_topic)]


# Takes the write permission of every topic away for a moment; uses a consumer group of the seeds; turns a switch of
# the name service.
ALONE = "write-permission|document-000-lines|updateOrderConf"


def run(command, env, version, namesrv, pattern, report):
    """Runs the cases in order (later ones use what earlier ones made); reports (case, error, seconds)."""
    driver = Driver(command, env)
    try:
        # Where the broker is and what it is called, asked the way an operator would.
        found = re.search(r"^DefaultCluster +(\S+) +0 +(\S+)", driver.run(["clusterList"]), re.M)
        if not found:
            report("clusterList", "no broker of DefaultCluster", 0.0)
            return
        for name, body in cases(namesrv, found.group(2), found.group(1)):
            if not re.search(pattern, name):
                continue
            begin, error = time.monotonic(), ""
            case = Case(driver)
            case.version = version
            try:
                body(case)
            except (AssertionError, RuntimeError, ValueError) as problem:
                error = str(problem) or "failed"
            report(name, error, time.monotonic() - begin)
    finally:
        driver.close()


if __name__ == "__main__":
    sys.exit("run me through run.py --only mqadmin")
