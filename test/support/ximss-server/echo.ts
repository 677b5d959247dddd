/** A far user who is always there: online, approves whoever asks and asks back, answers every message with its text. */
import { Refusal } from './refusal';
import type { Actor } from './actor';

export function playEcho(actor: Actor): void {
  actor.setPresence('online', 'echo');
  actor.onReceived = (item) => {
    try {
      if (item.kind === 'im' && item.type !== 'error' && item.text !== '')
        actor.sendIM(item.peer, `echo: ${item.text}`);
      if (item.kind === 'verb' && item.type === 'subscribe') {
        actor.subscribed(item.peer);
        actor.subscribe(item.peer);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  };
  for (const item of [...actor.received]) actor.onReceived(item);
}
