// The class document 002 imports from '@liqpro/common', with the methods, options, headers and log lines it names.
// Where the document leaves open how, a comment says what was chosen.
import * as amqp from 'amqplib';

export interface Envelope {
  id: string;
  type: string;
  timestamp: string;
  source: string;
  correlationId: string;
  data: Record<string, unknown>;
  metadata?: Record<string, unknown>;
}

export interface Options {
  host: string;
  port: number;
  username: string;
  password: string;
  vhost: string;
  retryOptions?: Partial<RetryOptions>;
  log?: (line: string) => void;
}

export interface RetryOptions {
  maxRetries: number;
  initialDelay: number;
  maxDelay: number;
  backoffFactor: number;
  retryHeaderName: string;
}

type Handler = (message: amqp.ConsumeMessage | null) => Promise<void>;

export class MessageQueue {
  readonly retry: RetryOptions;
  private connection!: amqp.ChannelModel;
  private out!: amqp.ConfirmChannel;
  private readonly channels = new Map<amqp.ConsumeMessage, amqp.Channel>();
  private readonly stops = new Set<() => Promise<void>>();
  private readonly log: (line: string) => void;

  constructor(private readonly options: Options) {
    this.retry = { maxRetries: 5, initialDelay: 1000, maxDelay: 60000, backoffFactor: 2,
                   retryHeaderName: 'x-retry-count', ...options.retryOptions };
    const write = options.log ?? (() => {});
    this.log = line => write(`[${new Date().toISOString().replace('T', ' ').replace('Z', '')}] ${line}`);
  }

  async connect(): Promise<void> {
    const { host, port, username, password, vhost } = this.options;
    this.connection = await amqp.connect({ protocol: 'amqp', hostname: host, port, username, password, vhost });
    this.out = await this.connection.createConfirmChannel();
    this.log(`[INFO] [MessageQueue] - Connected to RabbitMQ at ${host}:${port}${vhost}`);
  }

  /** When what was handed out is done with. */
  async close(): Promise<void> {
    for (const stop of this.stops) await stop();
    await this.connection.close();
  }

  /** The four exchanges of the document. `dead.letter` and `delayed.messages` may be of another type than written. */
  async createExchanges(deadLetterType = 'direct', delayed: amqp.Options.AssertExchange & { type?: string } = {}) {
    await this.out.assertExchange('liqpro.events', 'topic', { durable: true });
    await this.out.assertExchange('liqpro.commands', 'direct', { durable: true });
    await this.out.assertExchange('delayed.messages', delayed.type ?? 'direct', { durable: true, ...delayed });
    await this.out.assertExchange('dead.letter', deadLetterType, { durable: true });
  }

  async createQueue(queue: string, options: amqp.Options.AssertQueue = {}): Promise<void> {
    await this.out.assertQueue(queue, { durable: true, ...options });
  }

  async bindQueue(queue: string, exchange: string, key: string): Promise<void> {
    await this.out.bindQueue(queue, exchange, key);
  }

  /** Persistent, and answered only when the server has confirmed it. */
  async publish(exchange: string, key: string, message: Envelope, options: amqp.Options.Publish = {}): Promise<void> {
    await this.send(exchange, key, Buffer.from(JSON.stringify(message)), {
      contentType: 'application/json', messageId: message.id, correlationId: message.correlationId,
      type: message.type, ...options });
    this.log(`[INFO] [MessageQueue] - Published message to ${exchange} (${key})`);
  }

  private send(exchange: string, key: string, content: Buffer, options: amqp.Options.Publish): Promise<void> {
    return new Promise((done, failed) => this.out.publish(exchange, key, content, { persistent: true, ...options },
      error => error ? failed(error) : done()));
  }

  /** What the server gave back because no queue wanted it. */
  onReturn(listener: (message: amqp.Message) => void): void {
    this.out.on('return', listener);
  }

  async consume(queue: string, handler: Handler, { prefetch = 10 } = {}): Promise<() => Promise<void>> {
    const channel = await this.connection.createChannel();
    await channel.prefetch(prefetch);
    const inHand = new Set<Promise<void>>();
    const { consumerTag } = await channel.consume(queue, message => {
      if (!message) return void handler(null);
      this.channels.set(message, channel);
      const done = this.handle(queue, message, handler).finally(() => inHand.delete(done));
      inHand.add(done);
    });
    const stop = async () => {
      this.stops.delete(stop);
      await channel.cancel(consumerTag);
      await Promise.all(inHand);
      await channel.close();
    };
    this.stops.add(stop);
    return stop;
  }

  private async handle(queue: string, message: amqp.ConsumeMessage, handler: Handler): Promise<void> {
    try {
      await handler(message);
    } catch (error) {
      this.log(`[ERROR] [MessageQueue] - Error processing message: ${(error as Error).message}`);
      await this.again(queue, message, error as Error);
    }
    this.ack(message);
  }

  /** The document's dead letter sample acks by hand though `consume` does it: the second time means nothing. */
  ack(message: amqp.ConsumeMessage): void {
    this.channels.get(message)?.ack(message);
    this.channels.delete(message);
  }

  /** Nobody wants it: at once to the dead letters. */
  async reject(message: amqp.ConsumeMessage, error: Error): Promise<void> {
    await this.bury(message, error);
    this.ack(message);
  }

  private retries(message: amqp.ConsumeMessage): number {
    return Number(message.properties.headers?.[this.retry.retryHeaderName] ?? 0);
  }

  /** Where it was published first: a retry comes through the waiting queue. */
  private origin(message: amqp.ConsumeMessage): { exchange: string, key: string } {
    const headers = message.properties.headers ?? {};
    return { exchange: headers['x-original-exchange'] ?? message.fields.exchange,
             key: headers['x-original-routing-key'] ?? message.fields.routingKey };
  }

  /**
   * Back to the queue that failed, and to no other: a queue per delay lets the message expire and dead-letters it to
   * that queue by name.
   */
  private async again(queue: string, message: amqp.ConsumeMessage, error: Error): Promise<void> {
    const count = this.retries(message);
    if (count >= this.retry.maxRetries) return this.bury(message, error);
    const delay = Math.min(this.retry.initialDelay * this.retry.backoffFactor ** count, this.retry.maxDelay);
    const waiting = `${queue}.delayed.${delay}`;
    await this.createQueue(waiting, { arguments: { 'x-message-ttl': delay, 'x-dead-letter-exchange': '',
                                                   'x-dead-letter-routing-key': queue, 'x-expires': delay + 60000 } });
    await this.bindQueue(waiting, 'delayed.messages', waiting);
    const { exchange, key } = this.origin(message);
    this.log(`[INFO] [MessageQueueRetry] - Retrying message (attempt ${count + 1}/${this.retry.maxRetries}) `
             + `after ${delay}ms delay`);
    await this.send('delayed.messages', waiting, message.content, { ...message.properties, headers: {
      ...message.properties.headers, [this.retry.retryHeaderName]: count + 1, 'x-original-exchange': exchange,
      'x-original-routing-key': key } });
  }

  private async bury(message: amqp.ConsumeMessage, error: Error): Promise<void> {
    const { exchange, key } = this.origin(message);
    await this.send('dead.letter', key, message.content, { ...message.properties, mandatory: true, headers: {
      ...message.properties.headers, 'x-error': error.message, 'x-original-exchange': exchange,
      'x-original-routing-key': key, 'x-failed-at': new Date().toISOString(),
      [this.retry.retryHeaderName]: this.retries(message) } });
  }
}
