/**
 * Every metric of the bridge in one table, on a prom-client registry of its own. Code names them without the prefix
 * `bridge_`. A name or label that the table does not have throws in tests and is counted in production: a metric must
 * never break what it measures.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Meter } from '../bridge/ports';

const prefix = 'bridge_';
/** how long a reading waits for the gauges that are sampled */
const sampleMs = 2_000;
/** prom-client's own gauges whose names say counter; the same figures by type stand beside them */
const misnamed = ['active_handles', 'active_requests', 'active_resources'].map((name) => `nodejs_${name}_total`);

/** Values of a label that are known beforehand show up as 0 before their first use; `any`: they come with use. */
type Labels = Readonly<Record<string, readonly string[]>>;

interface Row {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Labels;
  readonly buckets?: readonly number[];
}

const counter = (help: string, labels: Labels = {}): Row => ({ type: 'counter', help, labels });
const gauge = (help: string, labels: Labels = {}): Row => ({ type: 'gauge', help, labels });
const histogram = (help: string, buckets: readonly number[], labels: Labels = {}): Row => ({
  type: 'histogram',
  help,
  labels,
  buckets,
});

const latencies = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86_400];
const roundTrips = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const batchSizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const any: readonly string[] = [];
const ways = ['toFar', 'toJabber'];
const wire = ['in', 'out'];

/** `dir`: toFar or toJabber (envelopes), in or out (the wire). Label values come from code, never from the wire. */
export const metricTable = {
  stanzas_total: counter('Stanzas on the component stream.', { dir: wire, kind: ['message', 'presence', 'iq'] }),
  ximss_documents_total: counter('XIMSS documents read and written.', { dir: wire }),
  envelopes_accepted_total: counter('Durable events stored at the intake.', { dir: ways }),
  envelopes_delivered_total: counter('Durable events that the other side has accepted.', { dir: ways }),
  envelopes_restored_total: counter('Delivered events sent again, because the XMPP server was restarted meanwhile.'),
  envelopes_bounced_total: counter('Durable events refused for good or expired.', { dir: ways, fault: any }),
  envelopes_refused_total: counter('Durable events refused at the intake; their senders were told at once.', {
    dir: ways,
    fault: any,
  }),
  notices_held_total: counter(
    'Notices to XIMSS senders that were only counted, one having gone to the same peer within a minute.',
  ),
  bounces_stray_total: counter('Errors that came back for nothing that was delivered lately.', { dir: ways }),
  password_tries_refused_total: counter('Passwords that were not tried, because of too many tries or links.', {
    why: ['pause', 'busy', 'domain'],
  }),
  repeats_dropped_total: counter('Events that were seen before.', { dir: ways }),
  faults_total: counter('Faults by the part of the program that met them.', { part: any, code: any }),
  xml_chars_removed_total: counter('Characters illegal in XML 1.0 that were removed.', { part: ['xmpp', 'ximss'] }),
  presence_sent_total: counter('Presence that went out.', { dir: ways }),
  verbs_total: counter('Subscription requests and answers put on their way.', {
    dir: ways,
    verb: ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'],
  }),
  roster_writes_total: counter('Changes of rosters that were tried.', { dir: ways, result: any }),
  contacts_skipped_total: counter('Contacts that a comparison left alone, because too many would lose something.'),
  reconciles_total: counter('Comparisons of the rosters of a user.', { result: ['equal', 'changed', 'failed'] }),
  responses_unasked_total: counter('XIMSS responses and iq answers that nobody waited for.'),
  metric_mistakes_total: counter('Uses of a metric or label that does not exist.'),
  sessions: gauge('XIMSS sessions by status.', {
    status: ['connecting', 'online', 'waiting', 'deferred', 'refused', 'closed'],
  }),
  presence_waiting: gauge('Contacts whose presence is not told yet.'),
  lanes_waiting: gauge('Lanes that hold something.'),
  envelopes_waiting: gauge('Events in all lanes.'),
  intake_waiting: gauge('Events that wait to be stored.'),
  dead_letters: gauge('Events set aside because they were refused for good or expired.'),
  drains: gauge('Drains of lanes by state.', { state: ['waiting', 'active', 'delayed'] }),
  build_info: gauge('Always 1; the labels say what runs.', { version: any, node: any }),
  leader: gauge('1 while this process leads, 0 while it stands by for the one that does.'),
  process_messages_total: counter('Messages between the processes of one bridge.', { dir: ['in', 'out'] }),
  process_messages_dropped_total: counter('Messages to other processes that were not said.'),
  stream_up: gauge('1 while the component stream is up.'),
  store_up: gauge('1 while Redis answers.'),
  delivery_seconds: histogram('From stored at the intake to accepted by the other side.', latencies, { dir: ways }),
  barrier_seconds: histogram('Answer time of the ping that proves delivery to the XMPP server.', roundTrips),
  barrier_spaces_total: counter('Whitespace sent to the XMPP server while the answer to a ping was late.'),
  intake_batch_size: histogram('Events stored with one round trip.', batchSizes),
} as const satisfies Readonly<Record<string, Row>>;

export type MetricName = keyof typeof metricTable;

export interface MetricsOptions {
  /** shown as `build_info`; left out: it is not shown */
  readonly version?: string;
  /** throw on mistakes; true when left out and NODE_ENV is test */
  readonly strict?: boolean;
  /** memory, event loop and garbage collection of this process too; true when left out */
  readonly process?: boolean;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metrics {
  /** what the layers write to */
  readonly meter: Meter;
  /** Asks for gauges that nobody keeps up to date: called before each reading; a rejection leaves them as they were. */
  onRead(sample: () => Promise<void>): void;
  /** Prometheus text format 0.0.4 */
  text(): Promise<string>;
  /** The present values of one metric; of a histogram its buckets, cumulative, with the label `le`. */
  read(name: MetricName): Promise<readonly Sample[]>;
  readonly contentType: string;
}

/** A registry with every row of the table. */
export function makeMetrics(options: MetricsOptions = {}): Metrics {
  const strict = options.strict ?? process.env['NODE_ENV'] === 'test';
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, row] of Object.entries<Row>(metricTable)) {
    const base = { name: prefix + name, help: row.help, labelNames: Object.keys(row.labels), registers: [registry] };
    const known = Object.keys(row.labels).length === 0 ? [] : combinations(row.labels);
    if (row.type === 'counter') {
      const metric = new Counter(base);
      for (const labels of known) metric.inc(labels, 0);
      counters.set(name, metric);
    } else if (row.type === 'gauge') {
      const metric = new Gauge(base);
      for (const labels of known) metric.set(labels, 0);
      gauges.set(name, metric);
    } else {
      const metric = new Histogram({ ...base, buckets: [...(row.buckets ?? [])] });
      for (const labels of known) metric.zero(labels);
      histograms.set(name, metric);
    }
  }
  if (options.version !== undefined) {
    gauges.get('build_info')?.set({ version: options.version, node: process.version.slice(1) }, 1);
  }
  if (options.process ?? true) {
    collectDefaultMetrics({ register: registry });
    for (const name of misnamed) registry.removeSingleMetric(name);
  }

  const samplers: (() => Promise<void>)[] = [];
  const sampled = async (): Promise<void> => {
    const late = new AbortController();
    await Promise.race([
      Promise.allSettled(samplers.map((sample) => sample())),
      delay(sampleMs, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
  };

  const use = <T>(metrics: ReadonlyMap<string, T>, name: string, act: (metric: T) => void): void => {
    try {
      const metric = metrics.get(name);
      if (metric === undefined) throw new TypeError(`no such metric: ${name}`);
      act(metric);
    } catch (error) {
      if (strict) throw error;
      counters.get('metric_mistakes_total')?.inc();
    }
  };

  return {
    meter: {
      count: (name, labels = {}, by = 1) => use(counters, name, (metric) => metric.inc(labels, by)),
      gauge: (name, value, labels = {}) => use(gauges, name, (metric) => metric.set(labels, value)),
      observe: (name, value, labels = {}) => use(histograms, name, (metric) => metric.observe(labels, value)),
    },
    onRead: (sample) => void samplers.push(sample),
    async text() {
      await sampled();
      return registry.metrics();
    },
    async read(name) {
      const found = await registry.getSingleMetric(prefix + name)?.get();
      const samples = (found?.values ?? []).map(({ labels, value }) => ({ labels: inWords(labels), value }));
      return metricTable[name].type === 'histogram' ? samples.filter(({ labels }) => 'le' in labels) : samples;
    },
    contentType: registry.contentType,
  };
}

/** Every way to fill the labels with the values they are known to take; none when one of them takes any. */
function combinations(labels: Labels): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (found, [label, values]) => found.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );
}

function inWords(labels: Readonly<Partial<Record<string, string | number>>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
}
