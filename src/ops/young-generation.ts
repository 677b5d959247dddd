/**
 * The heap's young generation while the bridge starts. Loading modules leaves some 30 MB of rubbish; V8 answers by making
 * the young generation larger, up to 32 MB that a bridge with little to do keeps for ever. So it keeps its first size until
 * the bridge runs, and may grow from then on with the traffic. This must be the first import of the program.
 */
import { setFlagsFromString } from 'node:v8';

/** V8's own default */
const growthFactor = 2;

setFlagsFromString('--semi-space-growth-factor=1');

/** To be called once the bridge runs. */
export function letYoungGenerationGrow(): void {
  setFlagsFromString(`--semi-space-growth-factor=${growthFactor}`);
}
