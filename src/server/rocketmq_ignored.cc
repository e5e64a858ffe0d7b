#include "rocketmq_ignored.h"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace posthorn::server {
namespace {

struct Ignored {
    std::string_view why;
    std::string_view keys;  // separated by spaces
};

// Names as Apache RocketMQ 4.9 to 5.5 has them in its broker, store, remoting and name server settings, and
// the older spellings that configuration files in the wild still have.
constexpr Ignored table[] = {
    {"reading from the disk never stops the engine, so cold reads need no control",
     "accessMessageInMemoryHotRatio cgColdReadThreshold coldCtrStrategyEnable coldDataFlowControlEnable "
     "coldDataScanEnable globalColdReadThreshold usePIDColdCtrStrategy"},
    {"metrics are always on, at /metrics of the HTTP port (ports.http)",
     "accountStatsEnable accountStatsPrintZeroValues autoDeleteUnusedStats commercialBaseCount "
     "commercialBigCount commercialEnable commercialSizePerMsg commercialTransCount "
     "enableConnectionMetrics enableLagAndDlqMetrics enableLmqStats enableMessageStoreMetrics "
     "enableRemotingMetrics enableRequestMetrics enableStatsMetrics maxStatsIdleTimeInMinutes "
     "metricGrpcExporterIntervalInMills metricGrpcExporterTimeOutInMills "
     "metricLoggingExporterIntervalInMills metricsExporterType metricsGrpcExporterHeader "
     "metricsGrpcExporterTarget metricsInDelta metricsLabel metricsOtelCardinalityLimit "
     "metricsPromExporterHost metricsPromExporterPort"},
    {"the engine has one thread and bounded queues of its own, so there are no pools to size",
     "ackMessageThreadPoolNums ackThreadPoolQueueCapacity adminBrokerThreadPoolNums "
     "adminBrokerThreadPoolQueueCapacity asyncSendEnable batchDispatchRequestThreadPoolNums "
     "brokerFastFailureEnable clientAsyncSemaphoreValue clientCallbackExecutorThreads "
     "clientManageThreadPoolNums clientManagerThreadPoolQueueCapacity clientOnewaySemaphoreValue "
     "clientRequestThreadPoolNums clientRequestThreadPoolQueueCapacity clientWorkerThreads "
     "compactionThreadNum consumerManageThreadPoolNums consumerManagerThreadPoolQueueCapacity "
     "defaultThreadPoolNums defaultThreadPoolQueueCapacity disableCallbackExecutor "
     "disableNettyWorkerGroup dispatchCqCacheNum dispatchCqThreads dispatchFromSenderThread "
     "enableAsyncReput enableBuildConsumeQueueConcurrently enableFastChannelEventProcess "
     "endTransactionPoolQueueCapacity endTransactionThreadPoolNums heartbeatThreadPoolNums "
     "heartbeatThreadPoolQueueCapacity litePullMessageThreadPoolNums litePullThreadPoolQueueCapacity "
     "loadBalanceProcessorThreadPoolNums loadBalanceThreadPoolQueueCapacity maxAsyncPutMessageRequests "
     "processReplyMessageThreadPoolNums pullMessageThreadPoolNums pullThreadPoolQueueCapacity "
     "putMessageFutureThreadPoolNums putThreadPoolQueueCapacity queryMessageThreadPoolNums "
     "queryThreadPoolQueueCapacity recoverConcurrently recoverThreadPoolNums "
     "replyThreadPoolQueueCapacity sendMessageThreadPoolNums sendThreadPoolQueueCapacity "
     "serverAsyncSemaphoreValue serverCallbackExecutorThreads serverNettyWorkerGroupEnable "
     "serverOnewaySemaphoreValue serverSelectorThreads serverSemaphoreValue serverWorkerThreads "
     "spinLockCollisionRetreatOptimalDegree timerEnableDisruptor timerGetMessageThreadNum "
     "timerPutMessageThreadNum topicQueueLockNum useABSLock useReentrantLockWhenPutMessage "
     "waitTimeMillsInAckQueue waitTimeMillsInAdminBrokerQueue waitTimeMillsInHeartbeatQueue "
     "waitTimeMillsInLitePullQueue waitTimeMillsInPullQueue waitTimeMillsInSendQueue "
     "waitTimeMillsInTransactionQueue"},
    {"access control is not built yet",
     "aclCacheExpiredSecond aclCacheMaxNum aclCacheRefreshSecond authConfigPath "
     "authenticationMetadataProvider authenticationProvider authenticationStrategy "
     "authenticationWhitelist authorizationMetadataProvider authorizationProvider authorizationStrategy "
     "authorizationWhitelist clusterName configBlackList configName initAuthenticationUser "
     "innerClientAuthenticationCredentials statefulAuthenticationCacheExpiredSecond "
     "statefulAuthenticationCacheMaxNum statefulAuthorizationCacheExpiredSecond "
     "statefulAuthorizationCacheMaxNum userCacheExpiredSecond userCacheMaxNum userCacheRefreshSecond"},
    {"nothing is replicated here: run the original where one machine is not enough",
     "allAckInSyncStateSet asyncLearner brokerElectionPriority brokerIP2 checkSyncStateSetPeriod "
     "controllerAddr controllerHeartBeatTimeoutMills dLegerGroup dLegerPeers dLegerSelfId "
     "duplicationEnable enableAutoInSyncReplicas enableControllerInNamesrv enableControllerMode "
     "enableDLegerCommitLog enableRemoteEscape enableSlaveActingMaster fetchControllerAddrByDnsLookup "
     "forwardTimeout haFlowControlEnable haHousekeepingInterval haListenPort haMasterAddress "
     "haMaxGapNotInSync haMaxTimeSlaveNotCatchup haSendHeartbeatInterval haSlaveFallbehindMax "
     "haTransferBatchSize inSyncReplicas isBrokerContainer isInBrokerContainer lockInStrictMode "
     "maxSlaveResendLength minInSyncReplicas notifyMinBrokerIdChanged offsetCheckInSlave "
     "preferredLeaderId replicasPerDiskPartition skipPreOnline slaveReadEnable slaveTimeout "
     "storePathDLedgerCommitLog storePathEpochFile supportActingMaster syncBrokerMemberGroupPeriod "
     "syncBrokerMetadataPeriod syncControllerMetadataPeriod syncFromLastFile "
     "syncMasterFlushOffsetWhenStartup totalReplicas"},
    {"a delay is kept to the millisecond by the engine's own timers, which need no tuning",
     "allowRecallWhenBrokerNotWriteable commercialTimerCount compactionScheduleInternal "
     "delayOffsetUpdateVersionStep enableScheduleAsyncDeliver enableScheduleMessageStats "
     "flushDelayOffsetInterval mappedFileSizeTimerLog recallMessageEnable "
     "scheduleAsyncDeliverMaxPendingLimit scheduleAsyncDeliverMaxResendNum2Blocked timerCheckMetricsWhen "
     "timerColdDataCheckIntervalMs timerCongestNumEachSlot timerEnableCheckMetrics "
     "timerEnableRetryUntilSuccess timerFlushIntervalMs timerInterceptDelayLevel "
     "timerMetricSmallThreshold timerPrecisionMs timerProgressLogIntervalMs timerRollWindowSlot "
     "timerSkipUnknownError timerStopDequeue timerStopEnqueue timerWarmEnable timerWheelEnable"},
    {"POP consumption is not built yet",
     "appendAckAsync appendCkAsync defaultMessageRequestMode defaultPopShareQueueNum "
     "enableNotifyAfterPopOrderLockRelease enableNotifyBeforePopCalculateLag enablePopBatchAck "
     "enablePopBufferMerge enablePopLog enablePopMessageThreshold enablePopMetrics enableRetryTopicV2 "
     "enableSkipLongAwaitingAck initPopOffsetByCheckMsgInMem maxPopPollingSize popCkMaxBufferSize "
     "popCkOffsetMaxQueueSize popCkStayBufferTime popCkStayBufferTimeOut popConsumerFSServiceInit "
     "popConsumerKVServiceEnable popConsumerKVServiceInit popConsumerKVServiceLog "
     "popFromRetryProbability popInflightMessageThreshold popLongPollingForceNotifyInterval "
     "popPollingMapExpireTimeSeconds popPollingMapSize popPollingSize popResponseReturnActualRetryTopic "
     "popReviveMaxAttemptTimes popReviveMaxReturnSizePerRead retrieveMessageFromPopRetryTopicV1 "
     "reviveAckWaitMs reviveInterval reviveMaxSlow reviveQueueNum reviveScanTime "
     "serverLoadBalancerEnable skipWhenCKRePutReachMaxTimes"},
    {"segments, indexes and their cleaning are the engine's own (store.*)",
     "bitMapLengthConsumeQueueExt bottomMostCompressionTypeForConsumeQueueStore checkCRCOnRecover "
     "cleanFileForciblyEnable cleanResourceInterval cleanRocksDBDirtyCQIntervalMin "
     "combineAssignOffsetCQType combineCQEnableCheckSelf combineCQLoadingCQTypes "
     "combineCQMaxExtraSearchCommitLogFiles combineCQPreferCQType correctLogicMinOffsetForceInterval "
     "correctLogicMinOffsetSleepInterval debugLockEnable deleteCommitLogFilesInterval "
     "deleteConsumeQueueFilesInterval deleteFileBatchMax diskFallRecorded enableAcceleratedRecovery "
     "enableCleanExpiredOffset enableCompaction enableConsumeQueueExt enableLmq "
     "enableLogConsumeQueueRepeatedlyBuildWhenRecover enableMultiDispatch enableRocksDBLog "
     "enabledAppendPropCRC forceVerifyPropCRC logicalDiskSpaceCleanForciblyThreshold "
     "maxBatchDeleteFilesNum maxChecksumRange maxConsumeQueueScan maxHashSlotNum maxIndexNum "
     "maxLmqConsumeQueueNum maxOffsetMapSize maxRecoveryCommitlogFiles memTableFlushIntervalMs "
     "messageIndexEnable messageIndexSafe messageStorePlugIn putMsgIndexHightWater "
     "readOnlyCommitLogStorePaths realTimePersistRocksDBConfig recheckReputOffsetFromCq "
     "redeleteHangedFileInterval rocksdbCQDoubleWriteEnable rocksdbCompressionType "
     "rocksdbFlushWalFrequency rocksdbWalFileRollingThreshold sampleCountThreshold sampleSteps "
     "searchBcqByCacheEnable statRocksDBCQIntervalSec storePathBrokerIdentity storePathCommitLog "
     "storeType travelCqFileNumWhenGetMessage"},
    {"name service and broker are one process, so nothing has to register, be looked up or time out",
     "brokerHeartbeatInterval brokerNotActiveTimeoutMillis channelNotActiveInterval "
     "cleanOfflineBrokerInterval clusterTest compatibleWithOldNameSrv compressedRegister configStorePath "
     "deleteTopicWithBrokerRegistration disappearTimeAfterStart enableAllTopicList "
     "enableRegisterProducer enableSingleTopicRegister enableSplitMetadata enableSplitRegistration "
     "enableTopicList fetchNameSrvAddrByDnsLookup fetchNamesrvAddrByAddressServer "
     "fetchNamesrvAddrInterval forceRegister isScanAvailableNameSrv kvConfigPath "
     "loadBalancePollNameServerInterval namesrvAddr needWaitForService productEnvName "
     "registerBrokerTimeoutMills registerNameServerPeriod returnOrderTopicConfigToBroker "
     "rmqAddressServerDomain rmqAddressServerSubGroup scanNotActiveBrokerInterval "
     "sendHeartbeatTimeoutMillis splitMetadataSize splitRegistrationSize startAcceptSendRequestTimeStamp "
     "unRegisterBrokerQueueCapacity updateNameServerAddrPeriod waitSecondsForService"},
    {"the log is written with one gathered write a tick and has no mapped files, pages or pools to tune",
     "cleanSwapedMapInterval commitCommitLogLeastPages commitCommitLogThoroughInterval "
     "commitIntervalCommitLog commitLogForceSwapMapInterval commitLogSwapMapInterval "
     "commitLogSwapMapReserveFileNum compactionCqMappedFileSize compactionMappedFileSize "
     "dataReadAheadEnable destroyMapedFileIntervalForcibly enableRunningFlagsInFlush "
     "fastFailIfNoBufferInStorePool flushCommitLogLeastPages flushCommitLogThoroughInterval "
     "flushCommitLogTimed flushConsumeQueueLeastPages flushConsumeQueueThoroughInterval "
     "flushIntervalConsumeQueue flushLeastPagesWhenWarmMapedFile logicQueueForceSwapMapInterval "
     "logicQueueSwapMapInterval logicQueueSwapMapReserveFileNum mapedFileSizeCommitLog "
     "mapedFileSizeConsumeQueue mapedFileSizeConsumeQueueExt mappedFileSizeCommitLog "
     "mappedFileSizeConsumeQueue mappedFileSizeConsumeQueueExt mappedFileSwapEnable "
     "mapperFileSizeBatchConsumeQueue osPageCacheBusyTimeOutMills putConsumeQueueDataByFileChannel "
     "putMessageTimeout readUnCommitted syncFlushTimeout transferMsgByHeap transientStorePoolEnable "
     "transientStorePoolSize wakeCommitWhenPutMessage wakeFlushWhenPutMessage warmMapedFileEnable "
     "writeWithoutMmap"},
    {"the socket layer is Posthorn's own: limits are remoting.*",
     "clientChannelMaxIdleTimeSeconds clientCloseSocketIfTimeout clientPooledByteBufAllocatorEnable "
     "clientSocketRcvBufSize clientSocketSndBufSize connectTimeoutMillis enableNetWorkFlowControl "
     "enableReconnectForGoAway enableShutdownGracefully maxReconnectIntervalTimeSeconds "
     "serverPooledByteBufAllocatorEnable serverSocketBacklog serverSocketRcvBufSize "
     "serverSocketSndBufSize shutdownWaitTimeSeconds socksProxyConfig useEpollNativeSelector "
     "writeBufferHighWaterMark writeBufferLowWaterMark"},
    {"filters beyond tags are not built yet",
     "enableCalcFilterBitMap enablePropertyFilter expectConsumerNumUseFilter filterDataCleanTimeSpan "
     "filterServerNums filterSupportRetry maxErrorRateOfBloomFilter maxFilterMessageSize"},
    {"transactions are not built yet",
     "enableTransactionMetrics rejectTransactionMessage transactionCheckInterval transactionCheckMax "
     "transactionMetricFlushInterval transactionOpBatchInterval transactionOpMsgMaxSize "
     "transactionTimeOut"},
    {"the behaviour is the original's default one",
     "autoMessageVersionOnTopicLen broadcastOffsetExpireMaxSecond broadcastOffsetExpireSecond "
     "brokerConfigPath brokerPermission clearRetryTopicWhenDeleteTopic configManagerVersion "
     "consumerFallbehindThreshold consumerOffsetUpdateVersionStep defaultQueryMaxNum "
     "disableConsumeIfConsumerReadSlowly enableBatchPush enableBroadcastOffsetStore enableCreateSysGroup "
     "enableDetailStat enableMixedMessageType estimateAccumulation flushConsumerOffsetHistoryInterval "
     "highSpeedMode isEnableBatchPush isolateLogEnable litePullMessageEnable longPollingEnable "
     "maxHaTransferByteInSecond maxMsgsNumBatch maxTopicLength maxTransferBytesOnMessageInDisk "
     "maxTransferCountOnMessageInDisk migrateAuthFromV1Enabled msgTraceTopicName "
     "notifyConsumerIdsChangedEnable printChannelGroups printChannelGroupsMinNum "
     "pullBatchMaxMessageCount realTimeNotifyConsumerChange rejectPullConsumerEnable rocketmqHome "
     "shortPollingTimeMills storeReplyMessageEnable subscriptionExpiredTimeout traceTopicEnable "
     "useServerSideResetOffset useStaticSubscription validateSystemTopicWhenUpdateTopic"},
};

bool contains_word(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        const auto first = words.substr(0, words.find(' '));
        if (first == word) return true;
        words.remove_prefix(std::min(words.size(), first.size() + 1));
    }
    return false;
}

}  // namespace

std::string_view why_ignored(std::string_view key) {
    for (const Ignored& entry : table)
        if (contains_word(entry.keys, key)) return entry.why;
    return {};
}

std::vector<std::string> ignored_keys() {
    std::vector<std::string> all;
    for (const Ignored& entry : table) {
        std::istringstream words{std::string(entry.keys)};
        all.insert(all.end(), std::istream_iterator<std::string>(words), {});
    }
    return all;
}

}  // namespace posthorn::server
