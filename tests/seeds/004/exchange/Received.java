package exchange;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.apache.rocketmq.common.message.MessageExt;

/** What the listeners were given. */
final class Received {
    static final List<MessageExt> orders = new CopyOnWriteArrayList<>();
    static final List<MessageExt> deadLetters = new CopyOnWriteArrayList<>();
    static final List<AssetChangeDTO> assetChanges = new CopyOnWriteArrayList<>();
    static final List<String> market = new CopyOnWriteArrayList<>();
    static final List<String> trades = new CopyOnWriteArrayList<>();
    static final List<String> notices = new CopyOnWriteArrayList<>();

    /** Orders of this run whose number begins so. */
    static List<MessageExt> orders(String number) {
        return orders.stream().filter(m -> mine(m, number)).collect(Collectors.toList());
    }

    static List<MessageExt> dead() {
        return deadLetters.stream().filter(m -> mine(m, "bad")).collect(Collectors.toList());
    }

    static List<AssetChangeDTO> assets() {
        return assetChanges.stream().filter(c -> c.userId.startsWith(Application.RUN)).collect(Collectors.toList());
    }

    private static boolean mine(MessageExt message, String number) {
        return message.getKeys() != null && message.getKeys().startsWith(Application.RUN + number);
    }
}
