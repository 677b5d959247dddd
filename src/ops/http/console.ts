/**
 * The operator's listener: health, metrics, the JSON API, and the console, one page at / that uses it. /api/traffic is the
 * page's own: what it draws beside the answers of the API.
 */
import type { Operator } from '../../bridge/ports';
import type { Metrics } from '../metrics';
import { addApi } from './api';
import { startListener } from './listener';
import type { HttpListener, ListenerOptions } from './listener';
import { addPage } from './page';
import { readTraffic } from './throughput';

export interface ConsoleOptions {
  readonly operator: Pick<Operator, 'run'>;
  readonly metrics: Pick<Metrics, 'read'>;
  readonly version: string;
}

/** Rejects as startListener does. */
export function startConsole({
  operator,
  version,
  ...listener
}: Omit<ListenerOptions, 'routes'> & ConsoleOptions): Promise<HttpListener> {
  const { metrics } = listener;
  return startListener({
    ...listener,
    routes(app) {
      addPage(app);
      addApi(app, { operator, version });
      app.get('/api/traffic', () => readTraffic(metrics));
    },
  });
}
