/** A process that owns a data directory until it is killed. Argument: the directory. */
import { systemClock } from '../../src/ops/clock';
import { claimDataDir } from '../../src/store/data-dir';

void claimDataDir(process.argv[2] ?? '', systemClock).then((claimed) => {
  console.log('instance' in claimed ? 'owned' : claimed.ownedBy);
  setInterval(() => undefined, 1_000);
});
