"""Document 001's export tasks over its own client: export_tasks.py NAMESRV PATTERN quick|full

The classes are the document's (2.2, 5); what only its HTTP layer needs is left out.
"""
import json
import os
import re
import sys
import threading
import time
import uuid

from rocketmq.client import Message, Producer, PushConsumer

NAMESRV, PATTERN = sys.argv[1], re.compile(sys.argv[2])
CONFIG = {"name_server": NAMESRV, "producer_group": "export_producer_group",
          "consumer_group": "export_consumer_group", "topic": "export_tasks", "tag": "*",
          "max_message_size": 4194304, "send_timeout": 3000, "consumer_thread_max": 5}


class RocketMQProducer:
    def __init__(self, config):
        self.config = config
        self.producer = Producer(config["producer_group"], timeout=config["send_timeout"],
                                 max_message_size=config["max_message_size"])
        self.producer.set_namesrv_addr(config["name_server"])

    def start(self):
        self.producer.start()

    def stop(self):
        self.producer.shutdown()

    def send_export_task(self, template_id, data, output_format, priority=0):
        task_id = uuid.uuid4().hex
        message = Message(self.config["topic"])
        message.set_keys(task_id)
        message.set_tags(output_format)
        message.set_body(json.dumps({"task_id": task_id, "template_id": template_id, "data": data,
                                     "output_format": output_format, "priority": priority}, ensure_ascii=False))
        result = self.producer.send_sync(message)
        if result.status != 0:
            raise RuntimeError(f"发送失败: {result.status}")
        return task_id

    def send_batch_export_tasks(self, template_id, data_list, output_format):
        return [self.send_export_task(template_id, data, output_format) for data in data_list]


class RocketMQConsumer:
    def __init__(self, config):
        self.handler = None
        self.consumer = PushConsumer(config["consumer_group"])
        self.consumer.set_namesrv_addr(config["name_server"])
        self.consumer.set_thread_count(config["consumer_thread_max"])
        self.consumer.subscribe(config["topic"], self._on_message, config["tag"])

    def set_message_handler(self, handler):
        self.handler = handler

    def _on_message(self, message):
        self.handler(json.loads(bytes(message.body).decode()))

    def start_consuming(self):
        self.consumer.start()

    def stop_consuming(self):
        self.consumer.shutdown()


class RocketMQManager:
    def __init__(self, config):
        self.producer, self.consumer = RocketMQProducer(config), RocketMQConsumer(config)

    def set_message_handler(self, handler):
        self.consumer.set_message_handler(handler)

    def start(self):
        self.producer.start()
        self.consumer.start_consuming()

    def stop(self):
        self.consumer.stop_consuming()
        self.producer.stop()

    def send_export_task(self, **task):
        return self.producer.send_export_task(**task)

    def send_batch_export_tasks(self, **tasks):
        return self.producer.send_batch_export_tasks(**tasks)


done, lock = {}, threading.Lock()


def handle_export_task(task):
    with lock:
        done.setdefault(task["task_id"], []).append(task)


def wait(seconds, what, holds):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def one_task(manager):
    task_id = manager.send_export_task(template_id="template_001", output_format="docx", priority=1,
                                       data={"title": "测试报告", "content": "这是测试内容"})
    wait(60, "the task is processed", lambda: task_id in done)
    task = done[task_id][0]
    assert task["data"]["title"] == "测试报告" and task["output_format"] == "docx", task


def a_batch(manager):
    ids = manager.send_batch_export_tasks(
        template_id="template_001", output_format="pdf",
        data_list=[{"title": f"报告{i}", "content": f"内容{i}"} for i in range(50)])
    wait(60, "fifty tasks are processed", lambda: all(one in done for one in ids))
    assert all(len(done[one]) == 1 for one in ids), "each once"


def a_large_task(manager):
    task_id = manager.send_export_task(template_id="template_001", output_format="pdf",
                                       data={"title": "大", "content": "正文" * 100_000})
    wait(60, "the task is processed", lambda: task_id in done)
    assert len(done[task_id][0]["data"]["content"]) == 200_000


def main():
    manager = RocketMQManager(CONFIG)
    manager.set_message_handler(handle_export_task)
    # The operator makes the topic; here the first message does.
    manager.producer.start()
    manager.producer.send_export_task("warm-up", {}, "docx")
    manager.consumer.start_consuming()
    for name, body in (("one-export-task", one_task), ("fifty-export-tasks", a_batch), ("large-task", a_large_task)):
        if not PATTERN.search(name):
            continue
        begin, status, reason = time.monotonic(), "ok", ""
        try:
            body(manager)
        except Exception as error:
            status, reason = "FAILED", repr(error)
        print(f"CASE {name} {status} {time.monotonic() - begin:.1f} {reason}", flush=True)
    manager.stop()
    sys.stdout.flush()
    os._exit(0)  # the native library's threads do not end by themselves


main()
