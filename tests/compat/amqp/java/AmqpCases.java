import com.rabbitmq.client.*;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/** Cases of the Java client: AmqpCases HOST:PORT PATTERN quick|full */
public final class AmqpCases {
    interface Case {
        void run() throws Exception;
    }

    interface Call {
        void on(Channel channel) throws Exception;
    }

    static final String RUN = Long.toString(System.currentTimeMillis() % 100_000_000, 36);
    static final AtomicInteger counter = new AtomicInteger();
    static final Map<String, Case> cases = new LinkedHashMap<>();
    static final ConnectionFactory factory = new ConnectionFactory();

    static String unique(String what) {
        return "java-" + what + "-" + RUN + "-" + counter.incrementAndGet();
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static void equal(Object seen, Object expected) {
        check(Objects.equals(String.valueOf(seen), String.valueOf(expected)), "saw " + seen + ", expected " + expected);
    }

    static void until(String what, BooleanSupplier holds) throws InterruptedException {
        long end = System.nanoTime() + 10_000_000_000L;
        while (!holds.getAsBoolean()) {
            check(System.nanoTime() < end, "not within 10 s: " + what);
            Thread.sleep(10);
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] body) {
        return new String(body, StandardCharsets.UTF_8);
    }

    static void with(Call call) throws Exception {
        try (Connection connection = factory.newConnection(); Channel channel = connection.createChannel()) {
            call.on(channel);
        }
    }

    static String exclusive(Channel channel, Map<String, Object> arguments) throws IOException {
        return channel.queueDeclare("", false, true, false, arguments).getQueue();
    }

    static GetResponse get(Channel channel, String queue, boolean autoAck) throws Exception {
        for (int n = 0; n < 500; n++) {
            GetResponse response = channel.basicGet(queue, autoAck);
            if (response != null) return response;
            Thread.sleep(10);
        }
        throw new AssertionError("nothing in " + queue);
    }

    /** The call ends its channel (or connection) with this code and these words. */
    static void refused(Connection connection, int code, String words, Call call) throws Exception {
        Channel channel = connection.createChannel();
        CompletableFuture<ShutdownSignalException> end = new CompletableFuture<>();
        channel.addShutdownListener(end::complete);
        try {
            call.on(channel);
        } catch (IOException | ShutdownSignalException expected) {
            // the listener says why
        }
        Method reason = end.get(10, TimeUnit.SECONDS).getReason();
        if (reason instanceof AMQP.Channel.Close) {
            equal(((AMQP.Channel.Close) reason).getReplyCode(), code);
            check(((AMQP.Channel.Close) reason).getReplyText().contains(words), reason.toString());
        } else {
            equal(((AMQP.Connection.Close) reason).getReplyCode(), code);
            check(((AMQP.Connection.Close) reason).getReplyText().contains(words), reason.toString());
        }
    }

    static void add() {
        cases.put("connect.properties", () -> {
            try (Connection connection = factory.newConnection("a name of its own")) {
                equal(connection.getServerProperties().get("product"), "RabbitMQ");
                equal(connection.getServerProperties().get("version"), "3.10.8");
                equal(connection.getChannelMax(), 2047);
                equal(connection.getFrameMax(), 131072);
                equal(connection.getHeartbeat(), 60);
            }
        });
        cases.put("connect.wrong-password", () -> {
            ConnectionFactory wrong = factory.clone();
            wrong.setPassword("wrong");
            try (Connection connection = wrong.newConnection()) {
                throw new AssertionError("let in");
            } catch (AuthenticationFailureException expected) {
                check(expected.getMessage().contains("Login was refused"), expected.getMessage());
            }
        });
        cases.put("connect.heartbeats", () -> {
            ConnectionFactory often = factory.clone();
            often.setRequestedHeartbeat(1);
            try (Connection connection = often.newConnection()) {
                Thread.sleep(4_000);
                check(connection.isOpen(), "still open");
            }
        });
        cases.put("consume.in-order", () -> with(channel -> {
            String queue = exclusive(channel, null);
            channel.basicQos(50);
            BlockingQueue<String> seen = new LinkedBlockingQueue<>();
            channel.basicConsume(queue, false, (tag, delivery) -> {
                channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
                seen.add(text(delivery.getBody()));
            }, tag -> { });
            for (int n = 0; n < 1000; n++) channel.basicPublish("", queue, null, bytes("" + n));
            for (int n = 0; n < 1000; n++) equal(seen.poll(10, TimeUnit.SECONDS), n);
        }));
        cases.put("consume.everything-as-sent", () -> with(channel -> {
            String queue = exclusive(channel, null);
            Map<String, Object> headers = new HashMap<>();
            headers.put("int", 1);
            headers.put("long", 1L << 40);
            headers.put("list", Arrays.asList(1, 2));
            headers.put("table", Collections.singletonMap("k", "v"));
            AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder().contentType("text/plain").contentEncoding("utf-8")
                .headers(headers).deliveryMode(2).priority(4).correlationId("c").replyTo("r").expiration("60000").messageId("m")
                .timestamp(new Date(1_700_000_000_000L)).type("t").userId("guest").appId("a").clusterId("x").build();
            channel.basicPublish("", queue, properties, bytes("grüße"));
            GetResponse response = get(channel, queue, true);
            equal(text(response.getBody()), "grüße");
            equal(response.getProps(), properties);
        }));
        cases.put("consume.large-bodies", () -> with(channel -> {
            String queue = exclusive(channel, null);
            for (int size : new int[]{0, 131064, 131065, 2_000_000}) {
                byte[] body = new byte[size];
                Arrays.fill(body, (byte) size);
                channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, body);
                check(Arrays.equals(get(channel, queue, true).getBody(), body), size + " bytes");
            }
        }));
        cases.put("consume.cancelled-by-the-server", () -> with(channel -> {
            String queue = unique("q");
            channel.queueDeclare(queue, false, false, false, null);
            CompletableFuture<String> cancelled = new CompletableFuture<>();
            channel.basicConsume(queue, true, "tag", (tag, delivery) -> { }, cancelled::complete);
            try (Channel other = channel.getConnection().createChannel()) {
                other.queueDelete(queue);
            }
            equal(cancelled.get(10, TimeUnit.SECONDS), "tag");
        }));
        cases.put("consume.fair-turns", () -> with(channel -> {
            String queue = exclusive(channel, null);
            Map<String, Integer> counts = new ConcurrentHashMap<>();
            for (int n = 0; n < 4; n++)
                channel.basicConsume(queue, true, "c" + n, (tag, delivery) -> counts.merge(tag, 1, Integer::sum), tag -> { });
            for (int n = 0; n < 400; n++) channel.basicPublish("", queue, null, bytes("x"));
            until("400 deliveries", () -> counts.values().stream().mapToInt(Integer::intValue).sum() == 400);
            equal(new TreeMap<>(counts), "{c0=100, c1=100, c2=100, c3=100}");
        }));
        cases.put("confirm.wait-for-all", () -> with(channel -> {
            String queue = unique("durable");
            channel.queueDeclare(queue, true, false, false, null);
            channel.confirmSelect();
            equal(channel.getNextPublishSeqNo(), 1);
            for (int n = 0; n < 500; n++) channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, bytes("x"));
            channel.waitForConfirmsOrDie(10_000);
            equal(channel.messageCount(queue), 500);
            channel.queueDelete(queue);
        }));
        cases.put("confirm.returned-first", () -> with(channel -> {
            List<String> order = Collections.synchronizedList(new ArrayList<>());
            channel.confirmSelect();
            channel.addReturnListener(returned -> order.add("return " + returned.getReplyCode() + " " + returned.getReplyText()));
            channel.addConfirmListener((tag, multiple) -> order.add("ack " + tag), (tag, multiple) -> order.add("nack " + tag));
            channel.basicPublish("", "nobody", true, null, bytes("x"));
            until("both", () -> order.size() == 2);
            equal(order, "[return 312 NO_ROUTE, ack 1]");
        }));
        cases.put("settle.requeue-and-recover", () -> with(channel -> {
            String queue = exclusive(channel, null);
            for (int n = 0; n < 3; n++) channel.basicPublish("", queue, null, bytes("" + n));
            for (int n = 0; n < 2; n++) get(channel, queue, false);
            channel.basicNack(2, true, true);
            for (int n = 0; n < 3; n++) {
                GetResponse response = get(channel, queue, false);
                equal(text(response.getBody()), n);
                equal(response.getEnvelope().isRedeliver(), n < 2);
            }
            channel.basicRecover(true);
            equal(get(channel, queue, true).getEnvelope().isRedeliver(), true);
        }));
        cases.put("tx.commit-and-rollback", () -> with(channel -> {
            String queue = exclusive(channel, null);
            channel.txSelect();
            channel.basicPublish("", queue, null, bytes("1"));
            channel.txRollback();
            channel.basicPublish("", queue, null, bytes("2"));
            equal(channel.messageCount(queue), 0);
            channel.txCommit();
            equal(text(get(channel, queue, true).getBody()), "2");
        }));
        cases.put("rpc.direct-reply-to", () -> with(channel -> {
            String queue = exclusive(channel, null);
            try (Channel server = channel.getConnection().createChannel()) {
                server.basicConsume(queue, true, (tag, request) -> server.basicPublish("", request.getProperties().getReplyTo(),
                    new AMQP.BasicProperties.Builder().correlationId(request.getProperties().getCorrelationId()).build(),
                    bytes("re: " + text(request.getBody()))), tag -> { });
                RpcClient client = new RpcClient(new RpcClientParams().channel(channel).exchange("").routingKey(queue)
                    .replyTo("amq.rabbitmq.reply-to").timeout(10_000));
                for (int n = 0; n < 20; n++) equal(client.stringCall("call " + n), "re: call " + n);
                client.close();
            }
        }));
        cases.put("exchange.bound-to-exchange", () -> with(channel -> {
            String source = unique("source"), target = unique("target");
            channel.exchangeDeclare(source, "topic", false, true, null);
            channel.exchangeDeclare(target, "headers", false, true, null);
            channel.exchangeBind(target, source, "#.end");
            String queue = exclusive(channel, null);
            Map<String, Object> any = new HashMap<>();
            any.put("x-match", "any");
            any.put("h", 5);
            channel.queueBind(queue, target, "", any);
            channel.basicPublish(source, "the.end", new AMQP.BasicProperties.Builder().headers(Collections.singletonMap("h", 5)).build(),
                bytes("through"));
            equal(text(get(channel, queue, true).getBody()), "through");
        }));
        cases.put("death.story", () -> with(channel -> {
            String grave = exclusive(channel, null);
            Map<String, Object> arguments = new HashMap<>();
            arguments.put("x-dead-letter-exchange", "");
            arguments.put("x-dead-letter-routing-key", grave);
            arguments.put("x-message-ttl", 50);
            String queue = exclusive(channel, arguments);
            channel.basicPublish("", queue, null, bytes("x"));
            GetResponse response = get(channel, grave, true);
            @SuppressWarnings("unchecked")
            Map<String, Object> death = ((List<Map<String, Object>>) response.getProps().getHeaders().get("x-death")).get(0);
            equal(death.get("reason"), "expired");
            equal(death.get("queue"), queue);
            equal(death.get("count"), 1);
            equal(response.getProps().getHeaders().get("x-first-death-queue"), queue);
        }));
        cases.put("refused.on-channels", () -> {
            try (Connection connection = factory.newConnection()) {
                refused(connection, 404, "no queue 'nope' in vhost '/'", channel -> channel.queueDeclarePassive("nope"));
                refused(connection, 404, "no exchange 'nope' in vhost '/'", channel -> channel.basicPublish("nope", "", null, bytes("x")));
                refused(connection, 403, "contains reserved prefix 'amq.*'", channel -> channel.queueDeclare("amq.mine", false, false, false, null));
                refused(connection, 406, "unknown delivery tag 1", channel -> channel.basicAck(1, false));
                refused(connection, 406, "channel is not transactional", Channel::txCommit);
            }
        });
        cases.put("refused.on-connections", () -> {
            try (Connection connection = factory.newConnection()) {
                refused(connection, 540, "prefetch_size!=0", channel -> channel.basicQos(5, 1, false));
            } catch (AlreadyClosedException expected) {
                // by then it is
            }
        });
        cases.put("recovery.of-the-topology", () -> {
            ConnectionFactory recovering = factory.clone();
            recovering.setAutomaticRecoveryEnabled(true);
            recovering.setNetworkRecoveryInterval(200);
            try (Connection connection = recovering.newConnection()) {
                Channel channel = connection.createChannel();
                String queue = channel.queueDeclare("", false, true, true, null).getQueue();
                BlockingQueue<String> seen = new LinkedBlockingQueue<>();
                channel.basicConsume(queue, true, (tag, delivery) -> seen.add(text(delivery.getBody())), tag -> { });
                channel.queueBind(queue, "amq.fanout", "");
                CountDownLatch recovered = new CountDownLatch(1);
                ((Recoverable) connection).addRecoveryListener(new RecoveryListener() {
                    public void handleRecovery(Recoverable recoverable) {
                        recovered.countDown();
                    }

                    public void handleRecoveryStarted(Recoverable recoverable) {
                    }
                });
                // An error that closes the connection, as far as the client knows not its own doing.
                Channel bad = connection.createChannel();
                try {
                    bad.exchangeDeclare(unique("x"), "nosuch");
                } catch (IOException expected) {
                    // 503
                }
                check(recovered.await(10, TimeUnit.SECONDS), "recovered");
                channel.basicPublish("amq.fanout", "", null, bytes("again"));
                equal(seen.poll(10, TimeUnit.SECONDS), "again");
            }
        });
    }

    public static void main(String[] arguments) {
        int colon = arguments[0].lastIndexOf(':');
        factory.setHost(arguments[0].substring(0, colon));
        factory.setPort(Integer.parseInt(arguments[0].substring(colon + 1)));
        factory.setAutomaticRecoveryEnabled(false);
        Pattern pattern = Pattern.compile(arguments[1]);
        add();
        TlsCases.add(cases);
        cases.forEach((name, one) -> {
            if (!pattern.matcher(name).find()) return;
            long begin = System.nanoTime();
            String status = "ok";
            try {
                one.run();
            } catch (Throwable problem) {
                status = "FAILED";
                String why = (problem + " | " + Arrays.toString(Arrays.copyOf(problem.getStackTrace(), 6))).replaceAll("\\s+", " ");
                System.out.printf("CASE %s FAILED %.1f %s%n", name, (System.nanoTime() - begin) / 1e9, why);
            }
            if (status.equals("ok")) System.out.printf("CASE %s ok %.1f%n", name, (System.nanoTime() - begin) / 1e9);
        });
        System.exit(0);
    }
}
