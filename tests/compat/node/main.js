'use strict';
// Cases of the Node client ali-ons: main.js NAMESRV PATTERN quick|full

const { Consumer, Producer, Message } = require('ali-ons');

const [ nameSrv, pattern, mode ] = process.argv.slice(2);
const run = (Date.now() % 1e8).toString(36);
let count = 0;
const unique = what => `node_${what}_${run}_${++count}`;
const sleep = ms => new Promise(done => setTimeout(done, ms));
const quiet = { info() {}, debug() {}, warn() {}, error() {} };

function check(holds, what) {
  if (!holds) throw new Error(what);
}

function same(expected, actual, what) {
  const [ a, b ] = [ JSON.stringify(expected), JSON.stringify(actual) ];
  check(a === b, `${what}: expected ${a}, got ${b}`);
}

async function wait(seconds, what, holds) {
  const end = Date.now() + seconds * 1000;
  while (!await holds()) {
    check(Date.now() < end, `not within ${seconds} s: ${what}`);
    await sleep(20);
  }
}

// For showing that something does not happen, and only there.
async function stays(millis, what, holds) {
  for (const end = Date.now() + millis; Date.now() < end; await sleep(20)) check(holds(), what);
}

const common = () => ({
  nameSrv, httpclient: {}, logger: quiet, clientIP: '127.0.0.1', instanceName: unique('i'),
  accessKeyId: '', accessKeySecret: '', onsChannel: 'ALIYUN',
});

async function makeTopic(p, topic) {
  const client = p._mqClient;
  const route = await client.getDefaultTopicRouteInfoFromNameServer('TBW102', 3000);
  const broker = route.brokerDatas[0].brokerAddrs['0'];
  await client.createTopic(broker, 'TBW102', {
    topicName: topic, readQueueNums: 4, writeQueueNums: 4, perm: 6,
    topicFilterType: 'SINGLE_TAG', topicSysFlag: 0, order: false,
  }, 5000);
}

// How many messages of a topic the broker knows a group to have read.
async function progress(p, group, topic) {
  const client = p._mqClient;
  const route = await client.getTopicRouteInfoFromNameServer(topic, 3000);
  const broker = route.brokerDatas[0].brokerAddrs['0'];
  let sum = 0;
  for (let queueId = 0; queueId < 4; queueId++) {
    // A queue the group has not read yet is answered by an error.
    sum += await client.queryConsumerOffset(broker, { consumerGroup: group, topic, queueId }, 5000).catch(() => 0);
  }
  return sum;
}

// This client does not fall back on TBW102: it stops at code 17. So the topic is made first.
async function topicNamed(what) {
  const topic = unique(what);
  const p = await producer();
  await makeTopic(p, topic);
  await p.close();
  return topic;
}

async function producer(options) {
  const made = new Producer({ ...common(), producerGroup: unique('pg'), ...options });
  made.on('error', () => {});
  await made.ready();
  return made;
}

async function consumer(topic, tags, handler, options) {
  const made = new Consumer({ ...common(), consumerGroup: unique('g'), ...options });
  made.on('error', () => {});
  const got = [];
  made.subscribe(topic, tags, async message => {
    got.push({ body: message.body.toString(), tags: message.tags, keys: message.keys, at: Date.now(),
      times: message.reconsumeTimes, id: message.msgId, queue: message.queueId, offset: Number(message.queueOffset) });
    return handler && handler(message, got.length);
  });
  await made.ready();
  return { made, got, close: () => made.close() };
}

const bodies = got => got.map(one => one.body).sort();
const numbered = (prefix, to) => Array.from({ length: to }, (_, i) => prefix + i).sort();

const cases = {
  async 'send-and-consume'() {
    const topic = await topicNamed('sync');
    const p = await producer();
    for (let i = 0; i < 10; i++) {
      const message = new Message(topic, 'TagA', `分析${i}`);
      message.keys = [ `key${i}` ];
      const result = await p.send(message);
      same('SEND_OK', result.sendStatus, 'status');
      check(/^[0-9A-F]{32}$/i.test(result.msgId), `id ${result.msgId}`);
    }
    const c = await consumer(topic, '*');
    await wait(30, 'ten messages', () => c.got.length >= 10);
    same(numbered('分析', 10), bodies(c.got), 'bodies');
    for (const one of c.got) {
      same('TagA', one.tags, 'tag');
      same(`key${one.body.slice(2)}`, one.keys, 'keys');
    }
    await c.close();
    await p.close();
  },

  async 'tag-expression'() {
    const topic = await topicNamed('tags');
    const p = await producer();
    for (let i = 0; i < 9; i++) await p.send(new Message(topic, 'abc'[i % 3], `${i}`));
    const c = await consumer(topic, 'a || c');
    await wait(30, 'six messages', () => c.got.length >= 6);
    await stays(300, 'no seventh', () => c.got.length === 6);
    same([ '0', '2', '3', '5', '6', '8' ], bodies(c.got), 'bodies');
    await c.close();
    await p.close();
  },

  async 'compressed-body'() {
    const topic = await topicNamed('large');
    const p = await producer();
    const body = '组合'.repeat(10000);
    await p.send(new Message(topic, 'T', body));
    const c = await consumer(topic, '*');
    await wait(30, 'the message', () => c.got.length >= 1);
    same(body, c.got[0].body, 'body');
    await c.close();
    await p.close();
  },

  async 'delay-level'() {
    const topic = await topicNamed('delay');
    const p = await producer();
    await p.send(new Message(topic, 'T', 'now'));
    const c = await consumer(topic, '*');
    await wait(30, 'the first message', () => c.got.length >= 1);
    const late = new Message(topic, 'T', 'late');
    late.properties.DELAY = '2';
    const start = Date.now();
    await p.send(late);
    await wait(30, 'the delayed message', () => c.got.length >= 2);
    const took = c.got[1].at - start;
    check(took >= 4900 && took < 9000, `after ${took} ms`);
    await c.close();
    await p.close();
  },

  async 'retry-then-success'() {
    const topic = await topicNamed('retry');
    const p = await producer();
    await p.send(new Message(topic, 'T', 'again'));
    const c = await consumer(topic, '*', (message, times) => {
      if (times === 1) throw new Error('not now');
    });
    await wait(60, 'twice', () => c.got.length >= 2);
    same([ 'again', 'again' ], bodies(c.got), 'bodies');
    same(1, c.got[1].times, 'reconsume times');
    await c.close();
    await p.close();
  },

  async broadcasting() {
    const topic = await topicNamed('broadcast');
    const group = unique('g');
    const p = await producer();
    await p.send(new Message(topic, 'T', 'warm'));
    const options = { consumerGroup: group, isBroadcast: true };
    const one = await consumer(topic, '*', null, options);
    const two = await consumer(topic, '*', null, options);
    await wait(40, 'both get all', async () => {
      await p.send(new Message(topic, 'T', 'x'));
      await sleep(200);
      return one.got.length > 3 && two.got.length > 3;
    });
    await one.close();
    await two.close();
    await p.close();
  },

  async 'members-share'() {
    const topic = await topicNamed('members');
    const group = unique('g');
    const p = await producer();
    await p.send(new Message(topic, 'T', 'warm'));
    const one = await consumer(topic, '*', null, { consumerGroup: group });
    const two = await consumer(topic, '*', null, { consumerGroup: group });
    let sent = 1;
    // This client rebalances by its own timer, every ten seconds.
    await wait(60, 'both work', async () => {
      await p.send(new Message(topic, 'T', `m${sent++}`));
      await sleep(100);
      return one.got.length > 2 && two.got.length > 2;
    });
    await wait(30, 'all', () => new Set([ ...one.got, ...two.got ].map(g => g.body)).size === sent);
    await one.close();
    await two.close();
    await p.close();
  },

  async 'progress-survives-restart'() {
    const topic = await topicNamed('restart');
    const group = unique('g');
    const p = await producer();
    for (let i = 0; i < 5; i++) await p.send(new Message(topic, 'T', `old${i}`));
    const first = await consumer(topic, '*', null, { consumerGroup: group });
    await wait(30, 'five messages', () => first.got.length >= 5);
    // Progress is told every five seconds.
    await wait(30, 'progress told', async () => await progress(p, group, topic) === 5);
    await first.close();
    for (let i = 0; i < 3; i++) await p.send(new Message(topic, 'T', `new${i}`));
    const second = await consumer(topic, '*', null, { consumerGroup: group });
    await wait(40, 'three messages', () => second.got.length >= 3);
    same(numbered('new', 3), bodies(second.got), 'bodies');
    await second.close();
    await p.close();
  },
};

process.on('unhandledRejection', error => console.error('unhandled', error.message));

async function one(name, body) {
  const start = Date.now();
  let [ status, reason ] = [ 'ok', '' ];
  try {
    await body();
  } catch (error) {
    [ status, reason ] = [ 'FAILED', `${error.message} ${(error.stack.split('\n')[2] || '').trim()}` ];
  }
  console.log(`CASE ${name} ${status} ${((Date.now() - start) / 1000).toFixed(1)} ${reason.replace(/\n/g, ' ')}`);
}

const chosen = Object.entries(cases).filter(([ name ]) => new RegExp(pattern).test(name));
Promise.all(chosen.map(([ name, body ]) => one(name, body))).then(() => process.exit(0));
