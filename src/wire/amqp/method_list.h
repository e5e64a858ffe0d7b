#pragma once

/// Every method, for explicit instantiation: `POSTHORN_AMQP_METHODS(INSTANTIATE)`.
#define POSTHORN_AMQP_METHODS(apply)                                                                       \
    apply(ConnectionStart) apply(ConnectionStartOk) apply(ConnectionSecure) apply(ConnectionSecureOk)      \
        apply(ConnectionTune) apply(ConnectionTuneOk) apply(ConnectionOpen) apply(ConnectionOpenOk) apply( \
            ConnectionClose) apply(ConnectionCloseOk) apply(ConnectionBlocked) apply(ConnectionUnblocked)  \
            apply(ConnectionUpdateSecret) apply(ConnectionUpdateSecretOk) apply(ChannelOpen)               \
                apply(ChannelOpenOk) apply(ChannelFlow) apply(ChannelFlowOk) apply(ChannelClose) apply(    \
                    ChannelCloseOk) apply(AccessRequest) apply(AccessRequestOk) apply(ExchangeDeclare)     \
                    apply(ExchangeDeclareOk) apply(ExchangeDelete) apply(ExchangeDeleteOk) apply(          \
                        ExchangeBind) apply(ExchangeBindOk) apply(ExchangeUnbind) apply(ExchangeUnbindOk)  \
                        apply(QueueDeclare) apply(QueueDeclareOk) apply(QueueBind) apply(QueueBindOk)      \
                            apply(QueuePurge) apply(QueuePurgeOk) apply(QueueDelete) apply(QueueDeleteOk)  \
                                apply(QueueUnbind) apply(QueueUnbindOk) apply(BasicQos) apply(BasicQosOk)  \
                                    apply(BasicConsume) apply(BasicConsumeOk) apply(BasicCancel)           \
                                        apply(BasicCancelOk) apply(BasicPublish) apply(BasicReturn)        \
                                            apply(BasicDeliver) apply(BasicGet) apply(BasicGetOk)          \
                                                apply(BasicGetEmpty) apply(BasicAck) apply(BasicReject)    \
                                                    apply(BasicRecoverAsync) apply(BasicRecover)           \
                                                        apply(BasicRecoverOk) apply(BasicNack)             \
                                                            apply(ConfirmSelect) apply(ConfirmSelectOk)    \
                                                                apply(TxSelect) apply(TxSelectOk)          \
                                                                    apply(TxCommit) apply(TxCommitOk)      \
                                                                        apply(TxRollback)                  \
                                                                            apply(TxRollbackOk)
