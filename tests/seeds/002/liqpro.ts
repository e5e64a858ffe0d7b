// Document 002, LiqPro: liqpro.ts HOST:PORT PATTERN quick|full
//
// As written first; where that loses messages, the corrected form stands beside it. The retry ladder runs at a tenth
// of its times unless `full` is asked for.
import * as amqp from 'amqplib';
import { randomUUID } from 'crypto';
import { Envelope, MessageQueue } from './messageQueue';

const [ address, pattern, mode ] = process.argv.slice(2);
const [ host, port ] = address.split(':');
const full = mode === 'full';
const initialDelay = full ? 1000 : 100;
const QUEUES = [ 'api-service.events', 'data-service.market-events', 'signal-service.events', 'scoring-service.events',
                 'agent-engine.commands', 'dead.letter.queue' ];
const EXCHANGES = [ 'liqpro.events', 'liqpro.commands', 'delayed.messages', 'dead.letter' ];

const lines: string[] = [];

function messageQueue(): MessageQueue {
  return new MessageQueue({
    host: process.env.RABBITMQ_HOST || host,
    port: parseInt(process.env.RABBITMQ_PORT || port),
    username: process.env.RABBITMQ_USER || 'guest',
    password: process.env.RABBITMQ_PASSWORD || 'guest',
    vhost: process.env.RABBITMQ_VHOST || '/',
    retryOptions: { maxRetries: 5, initialDelay, maxDelay: 60000, backoffFactor: 2, retryHeaderName: 'x-retry-count' },
    log: line => lines.push(line),
  });
}

function check(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

function equal(seen: unknown, expected: unknown, what = ''): void {
  check(JSON.stringify(seen) === JSON.stringify(expected),
        `${what}: saw ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`);
}

async function until(what: string, holds: () => unknown, seconds = 10): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !await holds();) {
    check(Date.now() < end, `not within ${seconds} s: ${what}`);
    await new Promise(done => setTimeout(done, 10));
  }
}

function envelope(type: string, source: string, data: Record<string, unknown>): Envelope {
  return { id: `msg-${randomUUID()}`, type, timestamp: new Date().toISOString(), source, correlationId: 'corr-123456', data };
}

function content(message: amqp.ConsumeMessage | amqp.GetMessage): Envelope {
  return JSON.parse(message.content.toString());
}

/** One connection and channel without the class, for what the document does not do. */
async function plain<T>(use: (channel: amqp.Channel, connection: amqp.ChannelModel) => Promise<T>): Promise<T> {
  const connection = await amqp.connect({ hostname: host, port: parseInt(port) });
  try {
    return await use(await connection.createChannel(), connection);
  } finally {
    await connection.close();
  }
}

async function clear(): Promise<void> {
  await plain(async channel => {
    for (const queue of QUEUES) await channel.deleteQueue(queue);
    for (const exchange of EXCHANGES) await channel.deleteExchange(exchange);
  });
}

/** The document's table of queues. Its `market.#,agent.#` are two bindings, and its dead letters need a topic exchange. */
async function declare(mq: MessageQueue, deadLetterType: string): Promise<void> {
  await mq.createExchanges(deadLetterType);
  for (const queue of QUEUES) {
    await mq.createQueue(queue, queue.startsWith('dead.') ? {} : { deadLetterExchange: 'dead.letter' });
  }
  await mq.bindQueue('api-service.events', 'liqpro.events', '#');
  await mq.bindQueue('data-service.market-events', 'liqpro.events', 'market.#');
  await mq.bindQueue('signal-service.events', 'liqpro.events', 'market.#');
  await mq.bindQueue('signal-service.events', 'liqpro.events', 'agent.#');
  await mq.bindQueue('scoring-service.events', 'liqpro.events', 'signal.#');
  await mq.bindQueue('agent-engine.commands', 'liqpro.commands', 'agent');
  await mq.bindQueue('dead.letter.queue', 'dead.letter', '#');
}

async function drained(queue: string): Promise<amqp.GetMessage[]> {
  return plain(async channel => {
    const all: amqp.GetMessage[] = [];
    for (let one; (one = await channel.get(queue, { noAck: true }));) all.push(one);
    return all;
  });
}

async function withTopology(deadLetterType: string, use: (mq: MessageQueue) => Promise<void>): Promise<void> {
  await clear();
  const mq = messageQueue();
  await mq.connect();
  try {
    await declare(mq, deadLetterType);
    await use(mq);
  } finally {
    await mq.close();
    await clear();
  }
}

async function eventsReachWhoSubscribed(): Promise<void> {
  await withTopology('direct', async mq => {
    for (const key of [ 'agent.created', 'market.price.updated', 'signal.generated', 'agent.position.created' ]) {
      await mq.publish('liqpro.events', key, envelope(key, 'api-service', { agentId: 'agent-123' }));
    }
    const types = async (queue: string) => (await drained(queue)).map(message => content(message).type);
    equal(await types('api-service.events'),
          [ 'agent.created', 'market.price.updated', 'signal.generated', 'agent.position.created' ]);
    equal(await types('data-service.market-events'), [ 'market.price.updated' ]);
    equal(await types('signal-service.events'), [ 'agent.created', 'market.price.updated', 'agent.position.created' ]);
    equal(await types('scoring-service.events'), [ 'signal.generated' ]);
    equal(await types('agent-engine.commands'), []);
    check(lines.some(line => /^\[[\d-]+ [\d:.]+\] \[INFO\] \[MessageQueue\] - Published message to liqpro.events \(agent.created\)$/
      .test(line)), 'its log line');
  });
}

/** Two patterns in one key, as the table writes them, are a pattern with a comma: nothing comes. */
async function twoPatternsInOneKeyAsWritten(): Promise<void> {
  await withTopology('direct', async mq => {
    await mq.createQueue('signal-service.events.as-written', { exclusive: true, durable: false });
    await mq.bindQueue('signal-service.events.as-written', 'liqpro.events', 'market.#,agent.#');
    await mq.publish('liqpro.events', 'market.price', envelope('market.price', 'data-service', {}));
    await plain(async channel => equal((await channel.checkQueue('signal-service.events')).messageCount, 1));
  });
}

async function commandsOfTheDocument(): Promise<void> {
  await withTopology('direct', async mq => {
    const seen: Envelope[] = [];
    const stop = await mq.consume('agent-engine.commands', async message => {
      if (message) seen.push(content(message));
    }, { prefetch: 10 });
    const sent = [ 'agent.start', 'agent.stop' ].map(type => envelope(type, 'api-service', {
      agentId: 'agent-123', parameters: {} }));
    for (const one of sent) await mq.publish('liqpro.commands', 'agent', one);
    await until('both commands', () => seen.length === 2);
    equal(seen, sent);
    equal(Object.keys(seen[0]), [ 'id', 'type', 'timestamp', 'source', 'correlationId', 'data' ]);
    await stop();
    await plain(async channel => equal((await channel.checkQueue('agent-engine.commands')).messageCount, 0, 'left'));
  });
}

/** 1, 2, 4, 8 and 16 s; then it is a dead letter with the document's five headers. */
async function retriesThenDeadLetter(): Promise<void> {
  await withTopology('topic', async mq => {
    const at: number[] = [], counts: unknown[] = [], others: string[] = [];
    await mq.consume('signal-service.events', async message => {
      if (!message) return;
      at.push(Date.now());
      counts.push(message.properties.headers?.['x-retry-count']);
      throw new Error('downstream is away');
    }, { prefetch: 10 });
    const sent = envelope('agent.created', 'api-service', { agentId: 'agent-123', name: 'Test Agent' });
    await mq.publish('liqpro.events', 'agent.created', sent);
    const dead: amqp.ConsumeMessage[] = [];
    await mq.consume('dead.letter.queue', async message => {
      if (!message) return;
      dead.push(message);
      mq.ack(message); // as the document does, though consume acks
    });
    await until('the dead letter', () => dead.length === 1, 10 + initialDelay * 31 / 1000);
    equal(counts, [ undefined, 1, 2, 3, 4, 5 ], 'retry counts');
    for (let n = 0; n < 5; n++) {
      const waited = at[n + 1] - at[n], wanted = initialDelay * 2 ** n;
      check(waited >= wanted && waited < wanted + 1000, `retry ${n + 1} after ${waited} ms instead of ${wanted}`);
    }
    const { headers } = dead[0].properties;
    check(headers, 'no headers');
    equal(headers['x-error'], 'downstream is away');
    equal(headers['x-original-exchange'], 'liqpro.events');
    equal(headers['x-original-routing-key'], 'agent.created');
    equal(headers['x-retry-count'], 5);
    check(Math.abs(Date.parse(headers['x-failed-at']) - Date.now()) < 10000, headers['x-failed-at']);
    // RabbitMQ's own notes stand beside them, the newest first.
    const noted = (headers['x-death'] ?? []).map(death => [ death.reason, death.queue, Number(death.count) ]);
    const wanted = [ 16, 8, 4, 2, 1 ].map(n => [ 'expired', `signal-service.events.delayed.${n * initialDelay}`, 1 ]);
    equal(noted[0], wanted[0], 'x-death');
    equal(noted.sort(), wanted.sort(), 'x-death');
    equal(content(dead[0]), sent);
    for (const message of await drained('api-service.events')) others.push(content(message).id);
    equal(others, [ sent.id ], 'a retry goes to the queue that failed and to no other');
    check(lines.some(line => line.endsWith(
      `[INFO] [MessageQueueRetry] - Retrying message (attempt 1/5) after ${initialDelay}ms delay`)), 'its log line');
  });
}

/** `#` on a direct exchange is a key like any other: what was published with another one finds no queue. */
async function deadLettersAsWrittenAreLost(): Promise<void> {
  await withTopology('direct', async mq => {
    const returned: amqp.Message[] = [];
    mq.onReturn(message => returned.push(message));
    await mq.publish('dead.letter', 'agent.created', envelope('agent.created', 'api-service', {}), { mandatory: true });
    await until('the return', () => returned.length === 1);
    equal(returned[0].fields.routingKey, 'agent.created');
    await mq.publish('dead.letter', '#', envelope('literally', 'api-service', {}), { mandatory: true });
    equal((await drained('dead.letter.queue')).map(message => content(message).type), [ 'literally' ]);
    equal(returned.length, 1);
  });
}

/** The same with `dead.letter` as topic exchange; the type of the one that is there cannot be changed by the way. */
async function deadLettersCorrected(): Promise<void> {
  await withTopology('topic', async mq => {
    await mq.publish('dead.letter', 'agent.created', envelope('agent.created', 'api-service', {}), { mandatory: true });
    equal((await drained('dead.letter.queue')).map(message => content(message).type), [ 'agent.created' ]);
    await plain(async (_, connection) => {
      const other = await connection.createChannel();
      const closed = new Promise<Error>(done => other.on('error', done));
      await other.assertExchange('dead.letter', 'direct', { durable: true }).catch(() => {});
      check((await closed).message.includes("inequivalent arg 'type' for exchange 'dead.letter'"), 'redeclared');
    });
  });
}

async function rejectedGoesToTheDead(): Promise<void> {
  await withTopology('topic', async mq => {
    await mq.consume('agent-engine.commands', async message => {
      if (message) await mq.reject(message, new Error('unknown command'));
    });
    await mq.publish('liqpro.commands', 'agent', envelope('agent.dance', 'api-service', {}));
    let dead: amqp.GetMessage[] = [];
    await until('the dead letter', async () => (dead = dead.concat(await drained('dead.letter.queue'))).length > 0);
    equal(dead[0].properties.headers?.['x-error'], 'unknown command');
    equal(dead[0].properties.headers?.['x-original-routing-key'], 'agent');
    equal(dead[0].properties.headers?.['x-retry-count'], 0);
  });
}

/** A client without the class rejects: the server itself dead-letters. */
async function rejectedWithoutTheClass(): Promise<void> {
  await withTopology('topic', async mq => {
    await mq.publish('liqpro.commands', 'agent', envelope('agent.dance', 'api-service', {}));
    await plain(async channel => {
      const message = await channel.get('agent-engine.commands');
      check(message, 'no command');
      channel.reject(message, false);
      let dead: amqp.GetMessage | false = false;
      await until('the dead letter', async () => (dead = await channel.get('dead.letter.queue', { noAck: true })));
      const headers = (dead as unknown as amqp.GetMessage).properties.headers;
      equal(headers?.['x-death']?.map(death => [ death.reason, death.queue, death.exchange, death['routing-keys'] ]),
            [ [ 'rejected', 'agent-engine.commands', 'liqpro.commands', [ 'agent' ] ] ]);
    });
  });
}

/** Two services share a queue, ten at a time. */
async function workIsShared(): Promise<void> {
  await withTopology('direct', async mq => {
    const other = messageQueue();
    await other.connect();
    const seen = [ 0, 0 ];
    const work = (who: number) => async (message: amqp.ConsumeMessage | null) => {
      if (message) seen[who]++;
    };
    await mq.consume('agent-engine.commands', work(0), { prefetch: 10 });
    await other.consume('agent-engine.commands', work(1), { prefetch: 10 });
    await Promise.all(Array.from({ length: 200 }, (_, n) =>
      mq.publish('liqpro.commands', 'agent', envelope('agent.start', 'api-service', { n }))));
    await until('200 commands', () => seen[0] + seen[1] === 200);
    check(seen[0] > 20 && seen[1] > 20, `shared as ${seen}`);
    await other.close();
  });
}

/** Posthorn delays by itself: no waiting queues. The original needs a plugin for it. */
async function delayedNatively(): Promise<void> {
  const ours = await plain(async (_, connection) => {
    const properties = connection.connection.serverProperties as unknown as { platform: string };
    return properties.platform.includes('Posthorn');
  });
  if (!ours) return;
  await clear();
  const mq = messageQueue();
  await mq.connect();
  try {
    await mq.createExchanges('topic', { type: 'x-delayed-message', arguments: { 'x-delayed-type': 'direct' } });
    await mq.createQueue('agent-engine.commands');
    await mq.bindQueue('agent-engine.commands', 'delayed.messages', 'agent');
    const at = new Map<number, number>();
    await mq.consume('agent-engine.commands', async message => {
      if (message) at.set(Number(content(message).data.delay), Date.now());
    });
    const begin = Date.now();
    for (const delay of [ 800, 400, 200 ]) {
      await mq.publish('delayed.messages', 'agent', envelope('agent.start', 'api-service', { delay }),
                       { headers: { 'x-delay': delay } });
    }
    await until('all three', () => at.size === 3);
    equal([ ...at.keys() ], [ 200, 400, 800 ], 'the order');
    for (const [ delay, when ] of at) check(when - begin >= delay, `${delay} ms came after ${when - begin}`);
  } finally {
    await mq.close();
    await clear();
  }
}

const cases: Record<string, () => Promise<void>> = {
  'events-reach-who-subscribed': eventsReachWhoSubscribed,
  'two-patterns-in-one-key-as-written': twoPatternsInOneKeyAsWritten,
  'commands-of-the-document': commandsOfTheDocument,
  'retries-1-2-4-8-16-then-dead-letter': retriesThenDeadLetter,
  'dead-letters-as-written-are-lost': deadLettersAsWrittenAreLost,
  'dead-letters-corrected': deadLettersCorrected,
  'rejected-goes-to-the-dead': rejectedGoesToTheDead,
  'rejected-without-the-class': rejectedWithoutTheClass,
  'work-is-shared': workIsShared,
  'delayed-natively': delayedNatively,
};

async function main(): Promise<void> {
  for (const [ name, run ] of Object.entries(cases)) {
    if (!new RegExp(pattern).test(name)) continue;
    const begin = Date.now();
    let verdict = 'ok', why = '';
    try {
      await run();
    } catch (error) {
      verdict = 'FAILED';
      why = String((error as Error).stack ?? error).replace(/\s+/g, ' ').slice(0, 600);
    }
    console.log(`CASE ${name} ${verdict} ${((Date.now() - begin) / 1000).toFixed(1)} ${why}`.trim());
  }
  process.exit(0);
}

void main();
