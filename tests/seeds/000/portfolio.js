'use strict';
// Document 000's topics and tags over Node's remoting client: portfolio.js NAMESRV PATTERN quick|full
//
// The document's own package, rocketmq-client-nodejs, speaks gRPC to port 8081: see ../README.md.

const { Consumer, Producer, Message } = require('ali-ons');

const [ nameSrv, pattern ] = process.argv.slice(2);
const run = Date.now().toString(36);
const sleep = ms => new Promise(done => setTimeout(done, ms));
const quiet = { info() {}, debug() {}, warn() {}, error() {} };
const common = name => ({
  nameSrv, httpclient: {}, logger: quiet, clientIP: '127.0.0.1', instanceName: `${name}${run}`,
  accessKeyId: '', accessKeySecret: '', // ROCKETMQ_ACCESS_KEY and _SECRET_KEY are empty in the document
});

const TOPICS = {
  PORTFOLIO_AI_ANALYSIS_REQUEST: [ 'AI_PORTFOLIO_ANALYSIS', 'AI_STOCK_ANALYSIS' ],
  PORTFOLIO_AI_ANALYSIS_RESULT: [ 'ANALYSIS_COMPLETE' ],
  PORTFOLIO_AI_ANALYSIS_ERROR: [ 'AI_PORTFOLIO_ANALYSIS' ],
  PORTFOLIO_MARKET_DATA_UPDATE: [ 'STOCK_PRICE_UPDATE', 'CRYPTO_PRICE_UPDATE' ],
  PORTFOLIO_PRICE_ALERT: [ 'PRICE_TARGET_HIT' ],
  PORTFOLIO_PORTFOLIO_CHANGE: [ 'PORTFOLIO_UPDATE' ],
  PORTFOLIO_HOLDING_UPDATE: [ 'HOLDING_ADD', 'HOLDING_REMOVE' ],
  PORTFOLIO_USER_NOTIFICATION: [ 'ANALYSIS_COMPLETE' ],
};

async function makeTopic(producer, topic) {
  const client = producer._mqClient;
  const route = await client.getDefaultTopicRouteInfoFromNameServer('TBW102', 3000);
  await client.createTopic(route.brokerDatas[0].brokerAddrs['0'], 'TBW102', {
    topicName: topic, readQueueNums: 4, writeQueueNums: 4, perm: 6,
    topicFilterType: 'SINGLE_TAG', topicSysFlag: 0, order: false,
  }, 5000);
}

async function everyTopicAndTag() {
  const producer = new Producer({ ...common('p'), producerGroup: 'portfolio_producer_group' });
  producer.on('error', () => {});
  await producer.ready();
  const consumer = new Consumer({ ...common('c'), consumerGroup: 'portfolio_consumer_group' });
  consumer.on('error', () => {});
  const got = new Set();
  for (const topic of Object.keys(TOPICS)) {
    await makeTopic(producer, topic);
    consumer.subscribe(topic, '*', async message => {
      const body = JSON.parse(message.body.toString());
      if (body.run === run) got.add(`${message.topic}:${message.tags}:${body.symbol}`);
    });
  }
  await consumer.ready();
  const expected = [];
  for (const [ topic, tags ] of Object.entries(TOPICS)) {
    for (const tag of tags) {
      const result = await producer.send(new Message(topic, tag,
        JSON.stringify({ run, symbol: 'AAPL', price: 175.23, timestamp: new Date().toISOString() })));
      if (result.sendStatus !== 'SEND_OK') throw new Error(result.sendStatus);
      expected.push(`${topic}:${tag}:AAPL`);
    }
  }
  for (let i = 0; got.size < expected.length && i < 600; i++) await sleep(100);
  const missing = expected.filter(one => !got.has(one));
  if (missing.length) throw new Error(`missing ${missing}`);
  await consumer.close();
  await producer.close();
}

(async () => {
  const name = 'every-topic-and-tag';
  if (!new RegExp(pattern).test(name)) return;
  const start = Date.now();
  let [ status, reason ] = [ 'ok', '' ];
  try {
    await everyTopicAndTag();
  } catch (error) {
    [ status, reason ] = [ 'FAILED', error.message ];
  }
  console.log(`CASE ${name} ${status} ${((Date.now() - start) / 1000).toFixed(1)} ${reason}`);
  process.exit(0);
})();
