/** A process with a store on a private redis-server, to be killed by the test of adoption. Argument: the data directory. */
import { openStore } from '../../../src/store';
import { entry, lane } from '../../support/envelopes';
import { plainOptions } from '../support';

void openStore({ ...plainOptions, url: null, appendfsync: 'always', dataDir: process.argv[2] ?? '' }).then(
  async (store) => {
    await store.lanes.append([entry(lane('juliet@x.org', 'romeo@y.net'), '1')]);
    console.log('stored');
  },
);
