"""Sends ten orders and prints those with the tags a consumer wants: orders.py [NAMESERVER]"""
import sys
import threading

from rocketmq.client import Message, Producer, PushConsumer

TAGS = ["created", "paid", "cancelled"]
name_server = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9876"

producer = Producer("orders-producer")
producer.set_namesrv_addr(name_server)
producer.start()
wanted = 0
for i in range(10):
    message = Message("orders-python")
    message.set_keys(f"order-{i}")
    message.set_tags(TAGS[i % len(TAGS)])
    message.set_body(f"order {i}")
    wanted += TAGS[i % len(TAGS)] != "cancelled"
    print("sent", producer.send_sync(message).msg_id)

left = threading.Semaphore(0)


def on_message(message):
    print(f"got {message.body.decode()} ({message.tags.decode()})")
    left.release()


consumer = PushConsumer("orders-python-consumer")
consumer.set_namesrv_addr(name_server)
consumer.subscribe("orders-python", on_message, "created || paid")
consumer.start()
all_there = all(left.acquire(timeout=30) for _ in range(wanted))
consumer.shutdown()
producer.shutdown()
print("all there" if all_there else "some are missing")
sys.exit(0 if all_there else 1)
