// Cases of the Go client: main HOST:PORT PATTERN quick|full
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

var (
	url     = "amqp://guest:guest@" + os.Args[1] + "/"
	run     = strconv.FormatInt(time.Now().UnixMilli()%100_000_000, 36)
	counter atomic.Int64
)

func unique(what string) string {
	return fmt.Sprintf("go-%s-%s-%d", what, run, counter.Add(1))
}

// must panics with the error; every case runs under a recover.
func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(seen, expected any) {
	if !reflect.DeepEqual(seen, expected) {
		panic(fmt.Errorf("saw %v, expected %v", seen, expected))
	}
}

func next[T any](from <-chan T, what string) T {
	select {
	case value, open := <-from:
		if !open {
			panic(errors.New("closed instead of " + what))
		}
		return value
	case <-time.After(10 * time.Second):
		panic(errors.New("not within 10 s: " + what))
	}
}

func open() (*amqp.Connection, *amqp.Channel) {
	connection := must(amqp.DialConfig(url, amqp.Config{Heartbeat: 10 * time.Second, Locale: "en_US"}))
	return connection, must(connection.Channel())
}

func exclusive(channel *amqp.Channel, arguments amqp.Table) string {
	return must(channel.QueueDeclare("", false, false, true, false, arguments)).Name
}

func publish(channel *amqp.Channel, exchange, key string, message amqp.Publishing) {
	check(channel.PublishWithContext(context.Background(), exchange, key, false, false, message))
}

func text(body string) amqp.Publishing { return amqp.Publishing{Body: []byte(body)} }

func get(channel *amqp.Channel, queue string) amqp.Delivery {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		delivery, there, err := channel.Get(queue, false)
		check(err)
		if there {
			return delivery
		}
		if time.Now().After(end) {
			panic(errors.New("nothing in " + queue))
		}
	}
}

// refused says that the call ends its channel so.
func refused(connection *amqp.Connection, code int, words string, call func(*amqp.Channel) error) {
	channel := must(connection.Channel())
	closed := channel.NotifyClose(make(chan *amqp.Error, 1))
	_ = call(channel)
	why := next(closed, "the end of the channel: "+words)
	equal(why.Code, code)
	if !strings.Contains(why.Reason, words) {
		panic(fmt.Errorf("%q does not say %q", why.Reason, words))
	}
}

var cases = []struct {
	name string
	do   func()
}{
	{"connect.properties", func() {
		connection, _ := open()
		defer connection.Close()
		equal(connection.Properties["product"], "RabbitMQ")
		equal(connection.Properties["capabilities"].(amqp.Table)["publisher_confirms"], true)
		equal(connection.Config.ChannelMax, uint16(2047))
		equal(connection.Config.FrameSize, 131072)
	}},
	{"connect.wrong-password", func() {
		_, err := amqp.Dial(strings.Replace(url, ":guest@", ":wrong@", 1))
		if err == nil || !strings.Contains(err.Error(), "403") {
			panic(fmt.Errorf("not refused: %v", err))
		}
	}},
	{"connect.unknown-virtual-host", func() {
		_, err := amqp.Dial(url + "nowhere")
		if err == nil {
			panic("let in")
		}
	}},
	{"connect.amqplain", func() {
		connection := must(amqp.DialConfig(url, amqp.Config{SASL: []amqp.Authentication{
			&amqp.AMQPlainAuth{Username: "guest", Password: "guest"}}}))
		check(connection.Close())
	}},
	{"connect.heartbeats", func() {
		connection := must(amqp.DialConfig(url, amqp.Config{Heartbeat: time.Second}))
		closed := connection.NotifyClose(make(chan *amqp.Error, 1))
		select {
		case why := <-closed:
			panic(why)
		case <-time.After(4 * time.Second):
		}
		check(connection.Close())
	}},
	{"connect.update-secret", func() {
		connection, _ := open()
		check(connection.UpdateSecret("guest", "because"))
		check(connection.Close())
	}},
	{"consume.in-order", func() {
		connection, channel := open()
		defer connection.Close()
		queue := exclusive(channel, nil)
		check(channel.Qos(100, 0, false))
		deliveries := must(channel.Consume(queue, "", false, false, false, false, nil))
		go func() {
			for n := 0; n < 2000; n++ {
				publish(channel, "", queue, text(strconv.Itoa(n)))
			}
		}()
		for n := 0; n < 2000; n++ {
			delivery := next(deliveries, "a delivery")
			equal(string(delivery.Body), strconv.Itoa(n))
			equal(delivery.DeliveryTag, uint64(n+1))
			if n%50 == 49 {
				check(delivery.Ack(true))
			}
		}
	}},
	{"consume.every-type-of-header", func() {
		connection, channel := open()
		defer connection.Close()
		queue := exclusive(channel, nil)
		stamp := time.Unix(1_700_000_000, 0)
		headers := amqp.Table{
			"t": true, "b": int8(-1), "B": uint8(255), "s": int16(-2), "I": int32(-3), "l": int64(-4), "f": float32(1.5),
			"d": 2.5, "D": amqp.Decimal{Scale: 2, Value: 314}, "S": "text", "x": []byte{0, 255}, "T": stamp, "V": nil,
			"A": []interface{}{int32(1), "two", amqp.Table{"three": int64(3)}}, "F": amqp.Table{"in": amqp.Table{"in": "side"}},
		}
		publish(channel, "", queue, amqp.Publishing{Headers: headers, Timestamp: stamp, MessageId: "m", Body: []byte{0}})
		delivery := get(channel, queue)
		equal(delivery.Headers, headers)
		equal(delivery.Timestamp.Unix(), stamp.Unix())
		equal(delivery.MessageId, "m")
	}},
	{"consume.large-bodies", func() {
		connection, channel := open()
		defer connection.Close()
		queue := exclusive(channel, nil)
		for _, size := range []int{0, 1, 131063, 131064, 131065, 1_000_000, 4_000_000} {
			body := bytes.Repeat([]byte{byte(size)}, size)
			publish(channel, "", queue, amqp.Publishing{Body: body})
			if delivery := get(channel, queue); !bytes.Equal(delivery.Body, body) {
				panic(fmt.Errorf("%d bytes came back as %d", size, len(delivery.Body)))
			}
		}
	}},
	{"consume.cancelled-by-the-server", func() {
		connection, channel := open()
		defer connection.Close()
		queue := unique("q")
		must(channel.QueueDeclare(queue, false, false, false, false, nil))
		deliveries := must(channel.Consume(queue, "tag", false, false, false, false, nil))
		cancelled := channel.NotifyCancel(make(chan string, 1))
		must(must(connection.Channel()).QueueDelete(queue, false, false, false))
		equal(next(cancelled, "the cancellation"), "tag")
		_ = deliveries
	}},
	{"consume.cancelled-by-the-client", func() {
		connection, channel := open()
		defer connection.Close()
		queue := exclusive(channel, nil)
		deliveries := must(channel.Consume(queue, "tag", true, false, false, false, nil))
		publish(channel, "", queue, text("1"))
		next(deliveries, "a delivery")
		check(channel.Cancel("tag", false))
		if _, open := <-deliveries; open {
			panic("a delivery after the end")
		}
	}},
	{"consume.exclusively", func() {
		connection, channel := open()
		defer connection.Close()
		queue := exclusive(channel, nil)
		must(channel.Consume(queue, "", true, true, false, false, nil))
		refused(connection, 403, "in exclusive use", func(other *amqp.Channel) error {
			_, err := other.Consume(queue, "", true, false, false, false, nil)
			return err
		})
	}},
	{"settle.nack-and-requeue", func() {
		connection, channel := open()
		defer connection.Close()
		queue := exclusive(channel, nil)
		for n := 0; n < 4; n++ {
			publish(channel, "", queue, text(strconv.Itoa(n)))
		}
		for n := 0; n < 3; n++ {
			equal(string(get(channel, queue).Body), strconv.Itoa(n))
		}
		check(channel.Nack(3, true, true))
		for n := 0; n < 4; n++ {
			delivery := get(channel, queue)
			equal(string(delivery.Body), strconv.Itoa(n))
			equal(delivery.Redelivered, n < 3)
		}
	}},
	{"settle.unknown-tag", func() {
		connection, _ := open()
		defer connection.Close()
		refused(connection, 406, "unknown delivery tag 9", func(channel *amqp.Channel) error { return channel.Ack(9, false) })
	}},
	{"confirm.window", func() {
		connection, channel := open()
		defer connection.Close()
		queue := unique("durable")
		must(channel.QueueDeclare(queue, true, false, false, false, nil))
		defer channel.QueueDelete(queue, false, false, false)
		check(channel.Confirm(false))
		confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 1000))
		for n := 0; n < 1000; n++ {
			message := text("x")
			message.DeliveryMode = uint8(1 + n%2)
			publish(channel, "", queue, message)
		}
		seen := map[uint64]bool{}
		for n := 0; n < 1000; n++ {
			confirm := next(confirms, "a confirm")
			if !confirm.Ack || seen[confirm.DeliveryTag] {
				panic(fmt.Errorf("%v", confirm))
			}
			seen[confirm.DeliveryTag] = true
		}
		equal(must(channel.QueueInspect(queue)).Messages, 1000)
	}},
	{"confirm.deferred", func() {
		connection, channel := open()
		defer connection.Close()
		check(channel.Confirm(false))
		queue := exclusive(channel, nil)
		deferred := must(channel.PublishWithDeferredConfirmWithContext(context.Background(), "", queue, false, false, text("x")))
		equal(deferred.Wait(), true)
	}},
	{"confirm.returned-first", func() {
		connection, channel := open()
		defer connection.Close()
		check(channel.Confirm(false))
		returns := channel.NotifyReturn(make(chan amqp.Return, 1))
		confirms := channel.NotifyPublish(make(chan amqp.Confirmation, 1))
		check(channel.PublishWithContext(context.Background(), "", "nobody", true, false, text("back")))
		returned := next(returns, "the return")
		equal(string(returned.Body), "back")
		equal(returned.ReplyCode, uint16(312))
		equal(next(confirms, "the confirm").Ack, true)
	}},
	{"confirm.rejected", func() {
		connection, channel := open()
		defer connection.Close()
		check(channel.Confirm(false))
		queue := exclusive(channel, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
		for n, expected := range []bool{true, false} {
			deferred := must(channel.PublishWithDeferredConfirmWithContext(context.Background(), "", queue, false, false,
				text(strconv.Itoa(n))))
			equal(deferred.Wait(), expected)
		}
	}},
	{"tx.commit-and-rollback", func() {
		connection, channel := open()
		defer connection.Close()
		queue := exclusive(channel, nil)
		check(channel.Tx())
		publish(channel, "", queue, text("1"))
		check(channel.TxRollback())
		publish(channel, "", queue, text("2"))
		equal(must(channel.QueueInspect(queue)).Messages, 0)
		check(channel.TxCommit())
		equal(string(get(channel, queue).Body), "2")
	}},
	{"exchange.kinds", func() {
		connection, channel := open()
		defer connection.Close()
		for kind, key := range map[string]string{"direct": "a.b", "topic": "a.*", "fanout": "", "headers": ""} {
			exchange := unique(kind)
			check(channel.ExchangeDeclare(exchange, kind, false, true, false, false, nil))
			queue := exclusive(channel, nil)
			check(channel.QueueBind(queue, key, exchange, false, amqp.Table{"x-match": "all", "h": "v"}))
			message := text(kind)
			message.Headers = amqp.Table{"h": "v"}
			publish(channel, exchange, "a.b", message)
			equal(string(get(channel, queue).Body), kind)
			check(channel.QueueUnbind(queue, key, exchange, amqp.Table{"x-match": "all", "h": "v"}))
			refused(connection, 404, "no exchange", func(other *amqp.Channel) error {
				return other.ExchangeDeclarePassive(exchange, kind, false, true, false, false, nil)
			})
		}
	}},
	{"exchange.internal", func() {
		connection, channel := open()
		defer connection.Close()
		exchange := unique("internal")
		check(channel.ExchangeDeclare(exchange, "fanout", false, false, true, false, nil))
		refused(connection, 403, "cannot publish to internal exchange", func(other *amqp.Channel) error {
			return other.PublishWithContext(context.Background(), exchange, "", false, false, text("x"))
		})
		check(channel.ExchangeDelete(exchange, false, false))
	}},
	{"queue.deleted-while-unsettled", func() {
		connection, channel := open()
		defer connection.Close()
		queue := unique("q")
		must(channel.QueueDeclare(queue, false, false, false, false, nil))
		publish(channel, "", queue, text("1"))
		delivery := get(channel, queue)
		equal(must(channel.QueueDelete(queue, false, false, false)), 0)
		check(delivery.Ack(false))
		must(channel.QueueDeclare(queue, false, true, false, false, nil))
		must(channel.QueueDelete(queue, false, false, false))
	}},
	{"queue.redeclared", func() {
		connection, channel := open()
		defer connection.Close()
		queue := unique("q")
		must(channel.QueueDeclare(queue, false, false, true, false, nil))
		refused(connection, 406, "inequivalent arg 'x-max-length'", func(other *amqp.Channel) error {
			_, err := other.QueueDeclare(queue, false, false, true, false, amqp.Table{"x-max-length": 5})
			return err
		})
	}},
	{"queue.quorum", func() {
		connection, channel := open()
		defer connection.Close()
		queue := unique("quorum")
		must(channel.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-delivery-limit": 2}))
		defer channel.QueueDelete(queue, false, false, false)
		publish(channel, "", queue, text("again"))
		for n := 0; n < 3; n++ {
			delivery := get(channel, queue)
			if n > 0 {
				equal(delivery.Headers["x-delivery-count"], int64(n))
			}
			check(delivery.Nack(false, true))
		}
		time.Sleep(200 * time.Millisecond)
		_, there, err := channel.Get(queue, true)
		check(err)
		equal(there, false)
	}},
	{"channel.many-at-once", func() {
		connection, _ := open()
		defer connection.Close()
		done := make(chan error, 50)
		for n := 0; n < 50; n++ {
			go func() {
				defer func() {
					if why := recover(); why != nil {
						done <- fmt.Errorf("%v", why)
					}
				}()
				channel := must(connection.Channel())
				queue := exclusive(channel, nil)
				for m := 0; m < 20; m++ {
					publish(channel, "", queue, text(strconv.Itoa(m)))
				}
				for m := 0; m < 20; m++ {
					equal(string(get(channel, queue).Body), strconv.Itoa(m))
				}
				done <- channel.Close()
			}()
		}
		for n := 0; n < 50; n++ {
			check(next(done, "a channel"))
		}
	}},
	{"connection.closed-by-an-error", func() {
		connection, channel := open()
		closed := connection.NotifyClose(make(chan *amqp.Error, 1))
		_ = channel.ExchangeDeclare(unique("x"), "nosuch", false, false, false, false, nil)
		equal(next(closed, "the end").Code, 503)
	}},
}

func main() {
	pattern := regexp.MustCompile(os.Args[2])
	for _, one := range cases {
		if !pattern.MatchString(one.name) {
			continue
		}
		begin, status, why := time.Now(), "ok", ""
		func() {
			defer func() {
				if problem := recover(); problem != nil {
					status, why = "FAILED", strings.ReplaceAll(fmt.Sprint(problem), "\n", " ")
				}
			}()
			one.do()
		}()
		fmt.Printf("CASE %s %s %.1f %s\n", one.name, status, time.Since(begin).Seconds(), why)
	}
}
