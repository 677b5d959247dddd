/** A process that begins one drain and never ends it, to be killed by the test of take-over. Argument: the Redis URL. */
import { openStore } from '../../../src/store';
import { makeTempDir } from '../../support/temp';
import { plainOptions } from '../support';

void openStore({ ...plainOptions, url: process.argv[2] ?? '', dataDir: makeTempDir('drain') }).then((store) => {
  store.scheduler.start(() => {
    console.log('draining');
    return new Promise(() => undefined);
  });
});
