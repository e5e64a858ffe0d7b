import com.rabbitmq.client.*;

import java.io.FileInputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.*;
import java.util.concurrent.*;

import javax.net.ssl.*;

/** TLS and logins by certificate; left out where the server's port with TLS is not known. */
final class TlsCases {
    static final String HOST = System.getenv("COMPAT_AMQPS"), CERTIFICATES = System.getenv("COMPAT_CERTIFICATES"),
        HTTP = System.getenv("COMPAT_HTTP");
    static final char[] PASSWORD = "secret".toCharArray();

    /** Trusts the CA; shows the client's certificate if there is one. */
    static SSLContext context(String client) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        try (FileInputStream ca = new FileInputStream(CERTIFICATES + "/ca.pem")) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(ca));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        KeyManager[] keys = null;
        if (client != null) {
            KeyStore own = KeyStore.getInstance("PKCS12");
            try (FileInputStream file = new FileInputStream(CERTIFICATES + "/" + client + ".p12")) {
                own.load(file, PASSWORD);
            }
            KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(own, PASSWORD);
            keys = factory.getKeyManagers();
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, trust.getTrustManagers(), null);
        return context;
    }

    static ConnectionFactory factory(String client) throws Exception {
        int colon = HOST.lastIndexOf(':');
        ConnectionFactory factory = new ConnectionFactory();
        factory.setHost("localhost");
        factory.setPort(Integer.parseInt(HOST.substring(colon + 1)));
        factory.setAutomaticRecoveryEnabled(false);
        factory.useSslProtocol(context(client));
        factory.enableHostnameVerification();
        return factory;
    }

    static void put(String path, String body) throws Exception {
        HttpURLConnection call = (HttpURLConnection) new URL("http://" + HTTP + "/api/" + path).openConnection();
        call.setRequestMethod("PUT");
        call.setDoOutput(true);
        call.setRequestProperty("Authorization", "Basic " + Base64.getEncoder().encodeToString("guest:guest".getBytes()));
        call.setRequestProperty("Content-Type", "application/json");
        call.getOutputStream().write(body.getBytes());
        AmqpCases.check(call.getResponseCode() < 300, path + ": " + call.getResponseCode());
    }

    static void add(Map<String, AmqpCases.Case> cases) {
        if (HOST == null) return;
        cases.put("tls.a-thousand-messages-of-up-to-a-mebibyte", () -> {
            try (Connection connection = factory(null).newConnection(); Channel channel = connection.createChannel()) {
                String queue = AmqpCases.exclusive(channel, null);
                channel.confirmSelect();
                Random dice = new Random(7);
                List<byte[]> sent = new ArrayList<>();
                for (int n = 0; n < 1000; n++) {
                    byte[] body = new byte[n % 50 == 0 ? 1 << 20 : dice.nextInt(1 << 14)];
                    dice.nextBytes(body);
                    sent.add(body);
                    channel.basicPublish("", queue, true, null, body);
                }
                channel.waitForConfirmsOrDie(60_000);
                BlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
                channel.basicQos(100);
                channel.basicConsume(queue, false, (tag, delivery) -> deliveries.add(delivery), tag -> { });
                for (int n = 0; n < 1000; n++) {
                    Delivery delivery = deliveries.poll(30, TimeUnit.SECONDS);
                    AmqpCases.check(delivery != null, "no message " + n);
                    AmqpCases.check(Arrays.equals(delivery.getBody(), sent.get(n)), "message " + n + " is another");
                    channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
                }
            }
        });
        cases.put("tls.external-is-the-user-the-certificate-names", () -> {
            String name = "CN=compat client,O=Posthorn test", quoted = "CN%3Dcompat%20client%2CO%3DPosthorn%20test";
            put("users/" + quoted, "{\"password_hash\": \"\", \"tags\": \"\"}");
            put("permissions/%2F/" + quoted, "{\"configure\": \".*\", \"write\": \".*\", \"read\": \".*\"}");
            ConnectionFactory factory = factory("client");
            factory.setSaslConfig(DefaultSaslConfig.EXTERNAL);
            try (Connection connection = factory.newConnection(); Channel channel = connection.createChannel()) {
                String queue = AmqpCases.exclusive(channel, null);
                channel.basicPublish("", queue, new AMQP.BasicProperties.Builder().userId(name).build(),
                    AmqpCases.bytes("mine"));
                AmqpCases.equal(AmqpCases.text(AmqpCases.get(channel, queue, true).getBody()), "mine");
            }
        });
        cases.put("tls.external-of-a-user-nobody-knows-is-refused", () -> {
            ConnectionFactory factory = factory("unknown");
            factory.setSaslConfig(DefaultSaslConfig.EXTERNAL);
            try (Connection connection = factory.newConnection()) {
                throw new AssertionError("let in");
            } catch (AuthenticationFailureException expected) {
                AmqpCases.check(expected.getMessage().contains("EXTERNAL"), expected.getMessage());
            }
        });
    }
}
