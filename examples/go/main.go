package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	rlog.SetLogLevel("error")
	nameServer := "127.0.0.1:9876"
	if len(os.Args) > 1 {
		nameServer = os.Args[1]
	}
	resolver := primitive.NewPassthroughResolver([]string{nameServer})

	p, err := rocketmq.NewProducer(producer.WithNsResolver(resolver), producer.WithGroupName("orders-producer"))
	must(err)
	must(p.Start())
	tags := []string{"created", "paid", "cancelled"}
	wanted := 0
	for i := 0; i < 10; i++ {
		tag := tags[i%len(tags)]
		if tag != "cancelled" {
			wanted++
		}
		message := primitive.NewMessage("orders-go", []byte(fmt.Sprintf("order %d", i))).
			WithTag(tag).WithKeys([]string{fmt.Sprintf("order-%d", i)})
		result, err := p.SendSync(context.Background(), message)
		must(err)
		fmt.Println("sent", result.MsgID)
	}

	got := make(chan *primitive.MessageExt, 100)
	c, err := rocketmq.NewPushConsumer(consumer.WithNsResolver(resolver),
		consumer.WithGroupName("orders-go-consumer"), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	must(err)
	must(c.Subscribe("orders-go", consumer.MessageSelector{Type: consumer.TAG, Expression: "created || paid"},
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, message := range messages {
				got <- message
			}
			return consumer.ConsumeSuccess, nil
		}))
	must(c.Start())

	deadline := time.After(60 * time.Second)
	for ; wanted > 0; wanted-- {
		select {
		case message := <-got:
			fmt.Printf("got %s (%s) from queue %d\n", message.Body, message.GetTags(), message.Queue.QueueId)
		case <-deadline:
			fmt.Println("some are missing")
			os.Exit(1)
		}
	}
	must(c.Shutdown())
	must(p.Shutdown())
	fmt.Println("all there")
}
