"""Publishes ten confirmed, persistent orders and consumes those that were not cancelled: orders.py [HOST[:PORT]]"""
import sys

import pika

STATES = ["created", "paid", "cancelled"]
host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1").partition(":")
connection = pika.BlockingConnection(pika.ConnectionParameters(host, int(port or 5672)))
channel = connection.channel()
channel.exchange_declare("orders", "direct", durable=True)
channel.queue_declare("orders-amqp", durable=True)
for state in ["created", "paid"]:
    channel.queue_bind("orders-amqp", "orders", state)

channel.confirm_delivery()
wanted = 0
for i in range(10):
    state = STATES[i % len(STATES)]
    wanted += state != "cancelled"
    channel.basic_publish("orders", state, f"order {i}", pika.BasicProperties(delivery_mode=2))
    print(f"confirmed order {i} ({state})")

got = 0
for method, properties, body in channel.consume("orders-amqp", inactivity_timeout=30):
    if method is None:
        break
    print(f"got {body.decode()} ({method.routing_key})")
    channel.basic_ack(method.delivery_tag)
    got += 1
    if got == wanted:
        break
channel.cancel()
connection.close()
print("all there" if got == wanted else "some are missing")
sys.exit(0 if got == wanted else 1)
