/** How the demo speaks: numbered scenes, and each hop on the wire with its direction. Plain text when not on a terminal. */
const isTty = process.stdout.isTTY;
const paint = (code: string, text: string): string => (isTty ? `\u001b[${code}m${text}\u001b[0m` : text);
const began = performance.now();
const stamp = (): string => paint('2', `${((performance.now() - began) / 1000).toFixed(3).padStart(7)}s`);

export type Wire = 'Jabber' | 'XIMSS';

let sceneCount = 0;

export const stage = {
  scene(title: string): void {
    sceneCount += 1;
    console.log(`\n${paint('1', `${sceneCount}. ${title}`)}`);
  },
  say(text: string): void {
    console.log(`${' '.repeat(9)} ${text}`);
  },
  /** One document on a wire, shortened to what a person reads. */
  hop(wire: Wire, route: string, xml: string): void {
    const colour = wire === 'Jabber' ? '36' : '33';
    const shown = xml.replace(/\s+/g, ' ');
    const text = shown.length > 600 ? `${shown.slice(0, 600)}…` : shown;
    console.log(`${stamp()} ${paint(colour, `${wire.padEnd(6)} ${route.padEnd(18)}`)} ${text}`);
  },
  good(text: string): void {
    console.log(`${' '.repeat(9)} ${paint('32', `✓ ${text}`)}`);
  },
};
