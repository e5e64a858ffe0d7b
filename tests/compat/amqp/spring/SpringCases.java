import com.rabbitmq.client.Channel;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.springframework.amqp.AmqpException;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.ImmediateRequeueAmqpException;
import org.springframework.amqp.core.*;
import org.springframework.amqp.rabbit.annotation.*;
import org.springframework.amqp.rabbit.annotation.Exchange;
import org.springframework.amqp.rabbit.annotation.Queue;
import org.springframework.amqp.rabbit.config.RetryInterceptorBuilder;
import org.springframework.amqp.rabbit.config.SimpleRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory.ConfirmType;
import org.springframework.amqp.rabbit.connection.CorrelationData;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.listener.RabbitListenerEndpointRegistry;
import org.springframework.amqp.rabbit.retry.RepublishMessageRecoverer;
import org.springframework.amqp.rabbit.transaction.RabbitTransactionManager;
import org.springframework.amqp.support.AmqpHeaders;
import org.springframework.amqp.support.converter.Jackson2JsonMessageConverter;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.transaction.support.TransactionTemplate;

/** A Spring application with listeners: SpringCases HOST:PORT PATTERN quick|full */
public final class SpringCases {
    interface Case {
        void run() throws Exception;
    }

    static final String RUN = "spring-" + Long.toString(System.currentTimeMillis() % 100_000_000, 36);
    static String host;
    static int port;

    public static String name(String what) {
        return RUN + "-" + what;
    }

    public record Order(String id, int amount, List<String> items) { }

    /** What the listeners saw, by their queue. */
    static final Map<String, BlockingQueue<Object>> seen = new ConcurrentHashMap<>();

    static BlockingQueue<Object> seen(String queue) {
        return seen.computeIfAbsent(queue, any -> new LinkedBlockingQueue<>());
    }

    static Object next(String queue) throws InterruptedException {
        Object one = seen(queue).poll(10, TimeUnit.SECONDS);
        check(one != null, "nothing came to the listener of " + queue);
        return one;
    }

    @Configuration
    @EnableRabbit
    public static class Application {
        @Bean
        CachingConnectionFactory connections() {
            CachingConnectionFactory factory = new CachingConnectionFactory(host, port);
            factory.setUsername("guest");
            factory.setPassword("guest");
            factory.setPublisherConfirmType(ConfirmType.CORRELATED);
            factory.setPublisherReturns(true);
            return factory;
        }

        @Bean
        RabbitAdmin admin(CachingConnectionFactory connections) {
            return new RabbitAdmin(connections);
        }

        @Bean
        Jackson2JsonMessageConverter json() {
            return new Jackson2JsonMessageConverter();
        }

        @Bean
        RabbitTemplate template(CachingConnectionFactory connections, Jackson2JsonMessageConverter json) {
            RabbitTemplate template = new RabbitTemplate(connections);
            template.setMessageConverter(json);
            template.setMandatory(true);
            template.setReplyTimeout(10_000);
            return template;
        }

        /** The exchanges and queues that no listener declares. */
        @Bean
        Declarables topology() {
            TopicExchange events = ExchangeBuilder.topicExchange(name("events")).build();
            org.springframework.amqp.core.Queue all = QueueBuilder.nonDurable(name("all")).build();
            org.springframework.amqp.core.Queue dead = QueueBuilder.nonDurable(name("dead")).build();
            org.springframework.amqp.core.Queue parked = QueueBuilder.nonDurable(name("parked")).build();
            org.springframework.amqp.core.Queue tx = QueueBuilder.durable(name("tx")).build();
            org.springframework.amqp.core.Queue small = QueueBuilder.nonDurable(name("small")).maxLength(1L)
                .overflow(QueueBuilder.Overflow.rejectPublish).build();
            return new Declarables(events, all, dead, parked, tx, small, BindingBuilder.bind(all).to(events).with("#"));
        }

        static SimpleRabbitListenerContainerFactory listeners(CachingConnectionFactory connections,
                                                              Jackson2JsonMessageConverter json) {
            SimpleRabbitListenerContainerFactory factory = new SimpleRabbitListenerContainerFactory();
            factory.setConnectionFactory(connections);
            factory.setMessageConverter(json);
            factory.setStartConsumerMinInterval(100L);
            return factory;
        }

        @Bean
        SimpleRabbitListenerContainerFactory rabbitListenerContainerFactory(CachingConnectionFactory connections,
                                                                            Jackson2JsonMessageConverter json) {
            return listeners(connections, json);
        }

        @Bean
        SimpleRabbitListenerContainerFactory manual(CachingConnectionFactory connections, Jackson2JsonMessageConverter json) {
            SimpleRabbitListenerContainerFactory factory = listeners(connections, json);
            factory.setAcknowledgeMode(AcknowledgeMode.MANUAL);
            factory.setPrefetchCount(1);
            return factory;
        }

        @Bean
        SimpleRabbitListenerContainerFactory batches(CachingConnectionFactory connections, Jackson2JsonMessageConverter json) {
            SimpleRabbitListenerContainerFactory factory = listeners(connections, json);
            factory.setBatchListener(true);
            factory.setConsumerBatchEnabled(true);
            factory.setBatchSize(10);
            factory.setReceiveTimeout(1000L);
            return factory;
        }

        /** Three tries in the listener, 100 and 200 ms apart, then parked with the reason among the headers. */
        @Bean
        SimpleRabbitListenerContainerFactory patient(CachingConnectionFactory connections, Jackson2JsonMessageConverter json,
                                                     RabbitTemplate template) {
            SimpleRabbitListenerContainerFactory factory = listeners(connections, json);
            factory.setAdviceChain(RetryInterceptorBuilder.stateless().maxAttempts(3).backOffOptions(100, 2.0, 1000)
                .recoverer(new RepublishMessageRecoverer(template, "", name("parked"))).build());
            return factory;
        }

        @RabbitListener(queuesToDeclare = @Queue(name = "#{T(SpringCases).name('orders')}", durable = "false"),
                        concurrency = "2-3")
        void orders(Order order) {
            seen("orders").add(order);
        }

        @RabbitListener(bindings = @QueueBinding(
            value = @Queue(name = "#{T(SpringCases).name('paris')}", durable = "false"),
            exchange = @Exchange(name = "#{T(SpringCases).name('events')}", type = "topic"), key = "*.paris"))
        void paris(String text, @Header(AmqpHeaders.RECEIVED_ROUTING_KEY) String key) {
            seen("paris").add(key + " " + text);
        }

        @RabbitListener(queuesToDeclare = @Queue(name = "#{T(SpringCases).name('sums')}", durable = "false"))
        int sums(List<Integer> numbers) {
            return numbers.stream().mapToInt(Integer::intValue).sum();
        }

        @RabbitListener(containerFactory = "patient",
                        queuesToDeclare = @Queue(name = "#{T(SpringCases).name('retried')}", durable = "false"))
        void retried(String text) {
            seen("retried").add(System.nanoTime());
            throw new IllegalStateException("no " + text);
        }

        @RabbitListener(queuesToDeclare = @Queue(name = "#{T(SpringCases).name('unwanted')}", durable = "false", arguments = {
            @Argument(name = "x-dead-letter-exchange", value = ""),
            @Argument(name = "x-dead-letter-routing-key", value = "#{T(SpringCases).name('dead')}")}))
        void unwanted(String text) {
            throw new AmqpRejectAndDontRequeueException("no " + text);
        }

        @RabbitListener(queuesToDeclare = @Queue(name = "#{T(SpringCases).name('again')}", durable = "false"))
        void again(String text, @Header(AmqpHeaders.REDELIVERED) boolean redelivered) {
            seen("again").add(redelivered);
            if (!redelivered) throw new ImmediateRequeueAmqpException("once more");
        }

        @RabbitListener(containerFactory = "manual",
                        queuesToDeclare = @Queue(name = "#{T(SpringCases).name('by-hand')}", durable = "false"))
        void byHand(String text, Channel channel, @Header(AmqpHeaders.DELIVERY_TAG) long tag,
                    @Header(AmqpHeaders.REDELIVERED) boolean redelivered) throws Exception {
            seen("by-hand").add(text + (redelivered ? "+" : ""));
            if (redelivered) channel.basicAck(tag, false);
            else channel.basicNack(tag, false, true);
        }

        @RabbitListener(containerFactory = "batches",
                        queuesToDeclare = @Queue(name = "#{T(SpringCases).name('batch')}", durable = "false"))
        void batch(List<Integer> numbers) {
            seen("batch").add(new ArrayList<>(numbers));
        }
    }

    static AnnotationConfigApplicationContext context;
    static RabbitTemplate template;
    static RabbitAdmin admin;
    static final Map<String, Case> cases = new LinkedHashMap<>();

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static void equal(Object saw, Object expected) {
        check(Objects.equals(saw, expected), "saw " + saw + ", expected " + expected);
    }

    static void until(String what, BooleanSupplier holds) throws InterruptedException {
        long end = System.nanoTime() + 10_000_000_000L;
        while (!holds.getAsBoolean()) {
            check(System.nanoTime() < end, "not within 10 s: " + what);
            Thread.sleep(10);
        }
    }

    static Message received(String queue) {
        Message message = template.receive(name(queue), 10_000);
        check(message != null, "nothing in " + queue);
        return message;
    }

    static void add() {
        cases.put("listener.typed-messages", () -> {
            Set<String> ids = new TreeSet<>(), expected = new TreeSet<>();
            for (int n = 0; n < 50; n++) {
                template.convertAndSend("", name("orders"), new Order("o" + n, n, List.of("a", "b")));
                expected.add("o" + n);
            }
            for (int n = 0; n < 50; n++) ids.add(((Order) next("orders")).id());
            equal(ids, expected);
        });
        cases.put("listener.bound-to-a-topic", () -> {
            template.convertAndSend(name("events"), "rain.london", "wet");
            template.convertAndSend(name("events"), "sun.paris", "dry");
            equal(next("paris"), "sun.paris dry");
            equal(template.receiveAndConvert(name("all"), 5000), "wet");
            equal(template.receiveAndConvert(name("all"), 5000), "dry");
        });
        cases.put("template.request-and-reply", () -> {
            for (int n = 0; n < 20; n++)
                equal(template.convertSendAndReceive("", name("sums"), List.of(n, 2, 3)), n + 5);
        });
        cases.put("template.confirms", () -> {
            List<CorrelationData> sent = new ArrayList<>();
            for (int n = 0; n < 100; n++) {
                sent.add(new CorrelationData("c" + n));
                template.convertAndSend("", name("orders"), new Order("c" + n, n, List.of()), sent.get(n));
            }
            for (CorrelationData one : sent) check(one.getFuture().get(10, TimeUnit.SECONDS).isAck(), one.getId());
            for (int n = 0; n < 100; n++) next("orders");
        });
        cases.put("template.refused-by-a-full-queue", () -> {
            CorrelationData first = new CorrelationData("1"), second = new CorrelationData("2");
            template.convertAndSend("", name("small"), "1", first);
            check(first.getFuture().get(10, TimeUnit.SECONDS).isAck(), "the first");
            template.convertAndSend("", name("small"), "2", second);
            check(!second.getFuture().get(10, TimeUnit.SECONDS).isAck(), "the second");
        });
        cases.put("template.returns", () -> {
            CorrelationData lost = new CorrelationData("lost");
            template.convertAndSend("", name("nobody"), "?", lost);
            check(lost.getFuture().get(10, TimeUnit.SECONDS).isAck(), "returned messages are confirmed");
            equal(lost.getReturned().getReplyCode(), 312);
            equal(lost.getReturned().getReplyText(), "NO_ROUTE");
            equal(lost.getReturned().getRoutingKey(), name("nobody"));
        });
        cases.put("listener.retries-then-parked", () -> {
            template.convertAndSend("", name("retried"), "luck");
            long first = (Long) next("retried"), second = (Long) next("retried"), third = (Long) next("retried");
            check(second - first >= 100_000_000L && third - second >= 200_000_000L, first + " " + second + " " + third);
            Message parked = received("parked");
            equal(parked.getMessageProperties().getHeader("x-original-routingKey"), name("retried"));
            check(parked.getMessageProperties().getHeader("x-exception-stacktrace").toString().contains("no luck"), "reason");
        });
        cases.put("listener.rejected-is-a-dead-letter", () -> {
            template.convertAndSend("", name("unwanted"), "thanks");
            Message dead = received("dead");
            equal(new String(dead.getBody(), StandardCharsets.UTF_8), "\"thanks\"");
            Map<String, ?> death = dead.getMessageProperties().getXDeathHeader().get(0);
            equal(death.get("reason"), "rejected");
            equal(death.get("queue"), name("unwanted"));
            equal(death.get("count"), 1L);
        });
        cases.put("listener.requeued", () -> {
            template.convertAndSend("", name("again"), "x");
            equal(next("again"), false);
            equal(next("again"), true);
        });
        cases.put("listener.acks-by-hand", () -> {
            for (String body : List.of("1", "2")) {
                template.convertAndSend("", name("by-hand"), body);
                equal(next("by-hand"), body);
                equal(next("by-hand"), body + "+");
            }
        });
        cases.put("listener.batches", () -> {
            List<Integer> expected = new ArrayList<>(), all = new ArrayList<>();
            for (int n = 0; n < 30; n++) {
                template.convertAndSend("", name("batch"), n);
                expected.add(n);
            }
            int batches = 0;
            for (; all.size() < 30; batches++) for (Object n : (List<?>) next("batch")) all.add((Integer) n);
            Collections.sort(all);  // the template may send over several channels
            equal(all, expected);
            check(batches < 15, batches + " batches");
        });
        cases.put("template.transactions", () -> {
            CachingConnectionFactory connections = new CachingConnectionFactory(host, port);
            try {
                RabbitTemplate transacted = new RabbitTemplate(connections);
                transacted.setChannelTransacted(true);
                TransactionTemplate transaction = new TransactionTemplate(new RabbitTransactionManager(connections));
                transaction.executeWithoutResult(status -> {
                    transacted.convertAndSend("", name("tx"), "kept");
                    equal(admin.getQueueInfo(name("tx")).getMessageCount(), 0);
                });
                equal(transacted.receiveAndConvert(name("tx"), 5000), "kept");
                transaction.executeWithoutResult(status -> {
                    transacted.convertAndSend("", name("tx"), "dropped");
                    status.setRollbackOnly();
                });
                equal(transacted.receiveAndConvert(name("tx"), 200), null);
            } finally {
                connections.destroy();
            }
        });
        cases.put("admin.says-what-is-there", () -> {
            equal(admin.getQueueInfo(name("orders")).getConsumerCount() >= 2, true);
            equal(admin.getQueueInfo(name("nobody")), null);
            AnonymousQueue queue = new AnonymousQueue();
            admin.declareQueue(queue);
            template.convertAndSend("", queue.getName(), 1);
            template.convertAndSend("", queue.getName(), 2);
            until("two messages", () -> admin.getQueueInfo(queue.getName()).getMessageCount() == 2);
            equal(admin.purgeQueue(queue.getName()), 2);
            check(admin.deleteQueue(queue.getName()), "deleted");
        });
        cases.put("listener.its-queue-is-deleted", () -> {
            admin.deleteQueue(name("orders"));
            template.setMandatory(false);
            AtomicInteger n = new AtomicInteger();
            until("the listener is back on a new queue", () -> {
                template.convertAndSend("", name("orders"), new Order("back" + n.incrementAndGet(), 1, List.of()));
                try {
                    return seen("orders").poll(200, TimeUnit.MILLISECONDS) != null;
                } catch (InterruptedException problem) {
                    throw new IllegalStateException(problem);
                }
            });
        });
        cases.put("application.stops", () -> {
            context.getBean(RabbitListenerEndpointRegistry.class).stop();
            check(!context.getBean(RabbitListenerEndpointRegistry.class).isRunning(), "still running");
        });
    }

    static void clean() {
        for (String queue : List.of("all", "dead", "parked", "tx", "small", "orders", "paris", "sums", "retried", "unwanted",
                                    "again", "by-hand", "batch"))
            admin.deleteQueue(name(queue));
        admin.deleteExchange(name("events"));
    }

    public static void main(String[] arguments) {
        host = arguments[0].split(":")[0];
        port = Integer.parseInt(arguments[0].split(":")[1]);
        Pattern pattern = Pattern.compile(arguments[1]);
        add();
        cases.keySet().removeIf(name -> !pattern.matcher(name).find());
        if (cases.isEmpty()) return;
        context = new AnnotationConfigApplicationContext(Application.class);
        template = context.getBean(RabbitTemplate.class);
        admin = context.getBean(RabbitAdmin.class);
        cases.forEach((name, one) -> {
            long begin = System.nanoTime();
            String status = "ok", why = "";
            try {
                one.run();
            } catch (Exception | AssertionError problem) {
                status = "FAILED";
                why = (problem + " " + Arrays.toString(problem.getStackTrace())).replace('\n', ' ');
            }
            System.out.printf(Locale.ROOT, "CASE %s %s %.1f %s%n", name, status, (System.nanoTime() - begin) / 1e9,
                              why.substring(0, Math.min(600, why.length())));
        });
        try {
            clean();
        } catch (AmqpException problem) {
            System.err.println(problem);
        }
        System.exit(0);
    }
}
