package exchange;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.spring.annotation.ConsumeMode;
import org.apache.rocketmq.spring.annotation.MessageModel;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQPushConsumerLifecycleListener;
import org.springframework.stereotype.Component;

/**
 * The document's listeners. Where it listens for Spring's `Message`, which the starter does not
 * convert to, they take what the starter gives: the payload's type or MessageExt.
 */
final class Consumers {
    // The document has 16 attempts; with 1 the dead letter comes after ten seconds.
    @Component
    @RocketMQMessageListener(
        topic = "order-topic",
        selectorExpression = "ORDER_CREATE || ORDER_TRADE || ORDER_TIMEOUT",
        consumerGroup = "order-consumer",
        messageModel = MessageModel.CLUSTERING,
        maxReconsumeTimes = 1
    )
    static class OrderMessageConsumer implements RocketMQListener<MessageExt> {
        private final ObjectMapper mapper = new ObjectMapper();

        @Override
        public void onMessage(MessageExt message) {
            Received.orders.add(message);
            boolean bad;
            try {
                bad = mapper.readValue(message.getBody(), OrderDTO.class).bad;
            } catch (java.io.IOException e) {
                return;
            }
            if (bad) {
                throw new RuntimeException("消息处理失败");
            }
        }
    }

    @Component
    @RocketMQMessageListener(
        topic = "asset-topic",
        selectorExpression = "ASSET_CHANGE",
        consumerGroup = "asset-consumer",
        messageModel = MessageModel.CLUSTERING,
        consumeMode = ConsumeMode.ORDERLY
    )
    static class AssetMessageConsumer implements RocketMQListener<AssetChangeDTO> {
        @Override
        public void onMessage(AssetChangeDTO change) {
            Received.assetChanges.add(change);
        }
    }

    @Component
    @RocketMQMessageListener(topic = "%DLQ%order-consumer", consumerGroup = "dlq-order-consumer")
    static class DLQMessageConsumer implements RocketMQListener<MessageExt>, RocketMQPushConsumerLifecycleListener {
        @Override
        public void onMessage(MessageExt message) {
            Received.deadLetters.add(message);
        }

        @Override
        public void prepareStart(DefaultMQPushConsumer consumer) {
            // The topic comes with the first dead letter: to hear of it soon, and not to begin behind it.
            // (With the starter's "last offset" the original loses that letter to a race: the consumer asks
            // for its progress before the letter is in the queue's index, and for the end right after.)
            consumer.setPollNameServerInterval(1000);
            consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        }
    }

    @Component
    @RocketMQMessageListener(topic = "market-topic", selectorExpression = "MARKET_DATA", consumerGroup = "market-consumer")
    static class MarketConsumer implements RocketMQListener<String> {
        @Override
        public void onMessage(String text) {
            Received.market.add(text);
        }
    }

    @Component
    @RocketMQMessageListener(topic = "trade-topic", selectorExpression = "TRADE_BATCH", consumerGroup = "trade-consumer")
    static class TradeConsumer implements RocketMQListener<String> {
        @Override
        public void onMessage(String text) {
            Received.trades.add(text);
        }
    }

    @Component
    @RocketMQMessageListener(
        topic = "notify-topic", consumerGroup = "notify-consumer", messageModel = MessageModel.BROADCASTING)
    static class NotifyConsumer implements RocketMQListener<String> {
        @Override
        public void onMessage(String text) {
            Received.notices.add(text);
        }
    }
}
