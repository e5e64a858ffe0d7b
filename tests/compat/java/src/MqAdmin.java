import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Runs many mqadmin command lines in one JVM. A line on standard input holds the arguments, parted by
 * tabs; the answer is a line with the number of bytes and then what the command printed. Lines with @ are
 * clients to look at: "@send topic tag key body", "@consumer group topic", "@producer group topic"; "@close" closes them.
 */
public final class MqAdmin {
    private static DefaultMQProducer producer;

    public static void main(String[] args) throws Exception {
        Client.namesrv = args[0];
        PrintStream out = System.out;
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ByteArrayOutputStream buffer = new ByteArrayOutputStream();
            PrintStream catching = new PrintStream(buffer, true, StandardCharsets.UTF_8);
            System.setOut(catching);
            System.setErr(catching);
            try {
                String[] words = line.split("\t");
                if (words[0].startsWith("@")) {
                    client(words);
                } else {
                    MQAdminStartup.main0(words, null);
                }
            } catch (Throwable e) {
                e.printStackTrace();
            }
            System.out.flush();
            out.println(buffer.size());
            buffer.writeTo(out);
            out.flush();
        }
        System.exit(0);
    }

    private static void client(String[] words) throws Exception {
        if (words[0].equals("@send")) {
            if (producer == null) {
                producer = Client.producer();
            }
            var message = Client.message(words[1], words[2], words[4]);
            message.setKeys(words[3]);
            SendResult result = producer.send(message);
            System.out.print(result.getMsgId() + " " + result.getOffsetMsgId() + " "
                + result.getMessageQueue().getQueueId() + " " + result.getQueueOffset());
        } else if (words[0].equals("@consumer")) {
            Client.consume(words[1], words[2], "*");
            System.out.print("consuming");
        } else if (words[0].equals("@producer")) {
            DefaultMQProducer other = Client.producer(p -> p.setProducerGroup(words[1]));
            other.send(Client.message(words[2], "T", "from " + words[1]));
            System.out.print("producing");
        } else if (words[0].equals("@close")) {
            Client.closeMine();
            producer = null;
            System.out.print("closed");
        } else {
            throw new IllegalArgumentException(Arrays.toString(words));
        }
    }
}
