import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

public class Orders {
    static final String[] TAGS = {"created", "paid", "cancelled"};

    public static void main(String[] args) throws Exception {
        String nameServer = args.length > 0 ? args[0] : "127.0.0.1:9876";

        DefaultMQProducer producer = new DefaultMQProducer("orders-producer");
        producer.setNamesrvAddr(nameServer);
        producer.start();
        int wanted = 0;
        for (int i = 0; i < 10; i++) {
            String tag = TAGS[i % TAGS.length];
            if (!tag.equals("cancelled")) wanted++;
            Message message = new Message("orders-java", tag, "order-" + i,
                ("order " + i).getBytes(StandardCharsets.UTF_8));
            System.out.println("sent " + producer.send(message).getMsgId());
        }

        CountDownLatch left = new CountDownLatch(wanted);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("orders-java-consumer");
        consumer.setNamesrvAddr(nameServer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe("orders-java", "created || paid");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                System.out.printf("got %s (%s) from queue %d%n",
                    new String(message.getBody(), StandardCharsets.UTF_8), message.getTags(), message.getQueueId());
                left.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();

        boolean all = left.await(30, TimeUnit.SECONDS);
        consumer.shutdown();
        producer.shutdown();
        System.out.println(all ? "all there" : "some are missing");
        System.exit(all ? 0 : 1);
    }
}
