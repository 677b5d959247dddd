/** Everything that every store keeps, as one suite. */
import { describeAttempts } from './attempts';
import { describeDeadLetters } from './dead-letters';
import { describeHeld } from './held';
import { describeLanes } from './lanes';
import { describeLeader } from './leader';
import { describeRecords } from './records';
import { describeScheduler } from './scheduler';
import { describeSettlements } from './settlements';
import type { Subject } from './subject';

export type { Bounds, Subject } from './subject';

export function describeStore(name: string, subject: Subject): void {
  describeLanes(name, subject);
  describeSettlements(name, subject);
  describeHeld(name, subject);
  describeDeadLetters(name, subject);
  describeRecords(name, subject);
  describeAttempts(name, subject);
  describeScheduler(name, subject);
  describeLeader(name, subject);
}
