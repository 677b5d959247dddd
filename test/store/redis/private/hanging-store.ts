/**
 * A process with a store on a private redis-server, to be killed or stopped by the tests of its owner. Arguments: the data
 * directory, and for how long the server may be without a bridge (ms).
 */
import { openStore } from '../../../../src/store';
import { entry, lane } from '../../../support/envelopes';
import { plainOptions } from '../../support';

const [, , dataDir = '', orphanMs = '60000'] = process.argv;

openStore({ ...plainOptions, url: null, appendfsync: 'always', dataDir, orphanMs: Number(orphanMs) }).then(
  async (store) => {
    process.once('SIGTERM', () => void store.close(AbortSignal.timeout(5_000)).then(() => process.exit(0)));
    await store.lanes.append([entry(lane('juliet@x.org', 'romeo@y.net'), '1')]);
    console.log('stored');
  },
  (thrown: unknown) => {
    console.log(thrown instanceof Error ? thrown.message : 'refused');
    process.exit(4);
  },
);
