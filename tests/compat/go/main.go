// Cases of the Go client: main NAMESRV PATTERN quick|full
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

var (
	namesrv = os.Args[1]
	run     = strconv.FormatInt(time.Now().UnixMilli()%100_000_000, 36)
	counter atomic.Int64
)

func unique(what string) string { return fmt.Sprintf("go_%s_%s_%d", what, run, counter.Add(1)) }

// A failed case panics; one() reports it.
func check(holds bool, format string, args ...any) {
	if !holds {
		panic(fmt.Errorf(format, args...))
	}
}

func must(err error, what string) { check(err == nil, "%s: %v", what, err) }

func wait(seconds int, what string, holds func() bool) {
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	for !holds() {
		check(time.Now().Before(end), "not within %d s: %s", seconds, what)
		time.Sleep(20 * time.Millisecond)
	}
}

// stays is for showing that something does not happen, and only there.
func stays(millis int, what string, holds func() bool) {
	end := time.Now().Add(time.Duration(millis) * time.Millisecond)
	for time.Now().Before(end) {
		check(holds(), "%s", what)
		time.Sleep(20 * time.Millisecond)
	}
}

func newProducer(options ...producer.Option) rocketmq.Producer {
	options = append([]producer.Option{
		producer.WithNsResolver(primitive.NewPassthroughResolver(strings.Split(namesrv, ";"))),
		producer.WithGroupName(unique("pg")), producer.WithInstanceName(unique("i")),
		producer.WithSendMsgTimeout(6 * time.Second), producer.WithRetry(2)}, options...)
	p, err := rocketmq.NewProducer(options...)
	must(err, "producer")
	must(p.Start(), "start producer")
	return p
}

type got struct {
	sync.Mutex
	all []*primitive.MessageExt
	at  []time.Time
}

func (g *got) take(message *primitive.MessageExt) int {
	g.Lock()
	defer g.Unlock()
	g.all, g.at = append(g.all, message), append(g.at, time.Now())
	return len(g.all)
}

func (g *got) count() int {
	g.Lock()
	defer g.Unlock()
	return len(g.all)
}

func (g *got) bodies() []string {
	g.Lock()
	defer g.Unlock()
	var all []string
	for _, message := range g.all {
		all = append(all, string(message.Body))
	}
	sort.Strings(all)
	return all
}

func numbered(prefix string, count int) []string {
	var all []string
	for i := 0; i < count; i++ {
		all = append(all, prefix+strconv.Itoa(i))
	}
	sort.Strings(all)
	return all
}

func same(expected, actual any, what string) {
	a, b := fmt.Sprint(expected), fmt.Sprint(actual)
	check(a == b, "%s: expected %s, got %s", what, a, b)
}

type handler func(message *primitive.MessageExt, times int) consumer.ConsumeResult

func consume(group, topic, tags string, handle handler, options ...consumer.Option) (*got, rocketmq.PushConsumer) {
	options = append([]consumer.Option{
		consumer.WithNsResolver(primitive.NewPassthroughResolver(strings.Split(namesrv, ";"))),
		consumer.WithGroupName(group), consumer.WithInstance(unique("i")),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset)}, options...)
	c, err := rocketmq.NewPushConsumer(options...)
	must(err, "consumer")
	result := &got{}
	err = c.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: tags},
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			answer := consumer.ConsumeSuccess
			for _, message := range messages {
				times := result.take(message)
				if handle != nil {
					answer = handle(message, times)
				}
			}
			return answer, nil
		})
	must(err, "subscribe")
	must(c.Start(), "start consumer")
	return result, c
}

func send(p rocketmq.Producer, topic, tag, body string) *primitive.SendResult {
	result, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte(body)).WithTag(tag))
	must(err, "send")
	same(primitive.SendOK, result.Status, "status")
	return result
}

func sendAndConsume() {
	topic := unique("sync")
	p := newProducer()
	defer p.Shutdown()
	for i := 0; i < 10; i++ {
		message := primitive.NewMessage(topic, []byte("m"+strconv.Itoa(i))).WithTag("T").WithKeys([]string{"k" + strconv.Itoa(i)})
		message.WithProperty("mine", "票")
		result, err := p.SendSync(context.Background(), message)
		must(err, "send")
		same(primitive.SendOK, result.Status, "status")
		check(result.OffsetMsgID != "" && result.MsgID != "", "ids %v", result)
	}
	g, c := consume(unique("g"), topic, "*", nil)
	defer c.Shutdown()
	wait(30, "ten messages", func() bool { return g.count() >= 10 })
	same(numbered("m", 10), g.bodies(), "bodies")
	for _, message := range g.all {
		same("T", message.GetTags(), "tag")
		same("k"+string(message.Body[1:]), strings.TrimSpace(message.GetKeys()), "keys")
		same("票", message.GetProperty("mine"), "property")
	}
}

func async() {
	topic := unique("async")
	p := newProducer()
	defer p.Shutdown()
	send(p, topic, "T", "first")
	var done sync.WaitGroup
	var failed atomic.Int64
	for i := 0; i < 50; i++ {
		done.Add(1)
		must(p.SendAsync(context.Background(), func(_ context.Context, _ *primitive.SendResult, err error) {
			if err != nil {
				failed.Add(1)
			}
			done.Done()
		}, primitive.NewMessage(topic, []byte("a"+strconv.Itoa(i)))), "send")
	}
	for i := 0; i < 10; i++ {
		must(p.SendOneWay(context.Background(), primitive.NewMessage(topic, []byte("o"+strconv.Itoa(i)))), "oneway")
	}
	done.Wait()
	same(0, failed.Load(), "failed")
	g, c := consume(unique("g"), topic, "*", nil)
	defer c.Shutdown()
	wait(30, "61 messages", func() bool { return g.count() >= 61 })
	expected := append(append(numbered("a", 50), "first"), numbered("o", 10)...)
	sort.Strings(expected)
	same(expected, g.bodies(), "bodies")
}

func batch() {
	topic := unique("batch")
	p := newProducer()
	defer p.Shutdown()
	var messages []*primitive.Message
	for i := 0; i < 10; i++ {
		messages = append(messages, primitive.NewMessage(topic, []byte("b"+strconv.Itoa(i))).WithTag("even odd"[5*(i%2):4+4*(i%2)]))
	}
	result, err := p.SendSync(context.Background(), messages...)
	must(err, "send")
	same(primitive.SendOK, result.Status, "status")
	same(10, len(strings.Split(result.OffsetMsgID, ",")), "offset ids")
	g, c := consume(unique("g"), topic, "odd", nil)
	defer c.Shutdown()
	wait(30, "five messages", func() bool { return g.count() >= 5 })
	same([]string{"b1", "b3", "b5", "b7", "b9"}, g.bodies(), "bodies")
}

func tagExpression() {
	topic := unique("tags")
	p := newProducer()
	defer p.Shutdown()
	for i := 0; i < 9; i++ {
		send(p, topic, "abc"[i%3:i%3+1], strconv.Itoa(i))
	}
	g, c := consume(unique("g"), topic, "a || c", nil)
	defer c.Shutdown()
	wait(30, "six messages", func() bool { return g.count() >= 6 })
	stays(300, "no seventh", func() bool { return g.count() == 6 })
	same([]string{"0", "2", "3", "5", "6", "8"}, g.bodies(), "bodies")
}

func delay() {
	topic := unique("delay")
	p := newProducer()
	defer p.Shutdown()
	send(p, topic, "T", "now")
	g, c := consume(unique("g"), topic, "*", nil)
	defer c.Shutdown()
	wait(30, "the first message", func() bool { return g.count() >= 1 })
	start := time.Now()
	_, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte("late")).WithDelayTimeLevel(2))
	must(err, "send")
	wait(30, "the delayed message", func() bool { return g.count() >= 2 })
	took := g.at[1].Sub(start)
	check(took >= 4900*time.Millisecond && took < 9*time.Second, "after %v", took)
}

func orderly() {
	topic := unique("ordered")
	p := newProducer(producer.WithQueueSelector(producer.NewHashQueueSelector()))
	defer p.Shutdown()
	for i := 0; i < 40; i++ {
		message := primitive.NewMessage(topic, []byte(strconv.Itoa(i)))
		message.WithShardingKey("user" + strconv.Itoa(i%4))
		_, err := p.SendSync(context.Background(), message)
		must(err, "send")
	}
	var failures atomic.Int64
	var lock sync.Mutex
	settled := map[int][]int{}
	count := 0
	_, c := consume(unique("g"), topic, "*", func(message *primitive.MessageExt, _ int) consumer.ConsumeResult {
		number, _ := strconv.Atoi(string(message.Body))
		if number == 8 && failures.Add(1) < 3 {
			return consumer.SuspendCurrentQueueAMoment
		}
		lock.Lock()
		defer lock.Unlock()
		settled[number%4] = append(settled[number%4], number)
		count++
		return consumer.ConsumeSuccess
	}, consumer.WithConsumerOrder(true), consumer.WithSuspendCurrentQueueTimeMillis(300*time.Millisecond))
	defer c.Shutdown()
	wait(60, "forty messages", func() bool { lock.Lock(); defer lock.Unlock(); return count >= 40 })
	for user, numbers := range settled {
		check(sort.IntsAreSorted(numbers), "order of user %d: %v", user, numbers)
	}
	same(40, count, "messages")
}

func retry() {
	topic := unique("retry")
	p := newProducer()
	defer p.Shutdown()
	send(p, topic, "T", "again")
	g, c := consume(unique("g"), topic, "*", func(_ *primitive.MessageExt, times int) consumer.ConsumeResult {
		if times == 1 {
			return consumer.ConsumeRetryLater
		}
		return consumer.ConsumeSuccess
	})
	defer c.Shutdown()
	wait(60, "twice", func() bool { return g.count() >= 2 })
	same([]string{"again", "again"}, g.bodies(), "bodies")
	same(1, g.all[1].ReconsumeTimes, "reconsume times")
}

func members() {
	topic := unique("members")
	group := unique("g")
	p := newProducer()
	defer p.Shutdown()
	send(p, topic, "T", "m0")
	one, first := consume(group, topic, "*", nil)
	defer first.Shutdown()
	two, second := consume(group, topic, "*", nil)
	defer second.Shutdown()
	sent := 1
	wait(60, "both work", func() bool {
		send(p, topic, "T", "m"+strconv.Itoa(sent))
		sent++
		time.Sleep(50 * time.Millisecond)
		return one.count() > 2 && two.count() > 2
	})
	wait(30, "all messages", func() bool {
		seen := map[string]bool{}
		for _, body := range append(one.bodies(), two.bodies()...) {
			seen[body] = true
		}
		return len(seen) == sent
	})
}

func topics() {
	topic := unique("made")
	a, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver(strings.Split(namesrv, ";"))))
	must(err, "admin")
	defer a.Close()
	p := newProducer()
	defer p.Shutdown()
	result := send(p, unique("other"), "T", "x")
	check(result.MessageQueue != nil, "queue")
	list, err := a.FetchAllTopicList(context.Background())
	must(err, "list")
	check(len(list.TopicList) > 0, "topics")
	broker := os.Getenv("COMPAT_BROKER")
	if broker == "" {
		return
	}
	must(a.CreateTopic(context.Background(), admin.WithTopicCreate(topic), admin.WithBrokerAddrCreate(broker)), "create")
	queues, err := a.FetchPublishMessageQueues(context.Background(), topic)
	must(err, "queues")
	same(8, len(queues), "queues")
	must(a.DeleteTopic(context.Background(), admin.WithTopicDelete(topic), admin.WithBrokerAddrDelete(broker)), "delete")
}

func one(name string, body func()) {
	start := time.Now()
	status, reason := "ok", ""
	func() {
		defer func() {
			if err := recover(); err != nil {
				status, reason = "FAILED", strings.ReplaceAll(fmt.Sprint(err), "\n", " ")
			}
		}()
		body()
	}()
	fmt.Printf("CASE %s %s %.1f %s\n", name, status, time.Since(start).Seconds(), reason)
}

func main() {
	rlog.SetLogLevel("fatal")
	pattern, err := regexp.Compile(os.Args[2])
	if err != nil {
		panic(errors.New("pattern: " + err.Error()))
	}
	cases := []struct {
		name string
		body func()
	}{{"send-and-consume", sendAndConsume}, {"async-and-oneway", async}, {"batch", batch},
		{"tag-expression", tagExpression}, {"delay-level", delay}, {"orderly", orderly},
		{"retry-then-success", retry}, {"members-share", members}, {"admin-topics", topics}}
	var all sync.WaitGroup
	for _, c := range cases {
		if pattern.MatchString(c.name) {
			all.Add(1)
			go func(name string, body func()) { defer all.Done(); one(name, body) }(c.name, c.body)
		}
	}
	all.Wait()
}
