/** Our parser with the face that the library asks of one: events start, element, end. */
import { EventEmitter } from 'node:events';
import { makeParser, type Parser, type ParserEvents, type ParserLimits } from './parser';

export class StreamParser extends EventEmitter {
  private readonly parser: Parser;

  constructor(limits: ParserLimits, onOversize: ParserEvents['onOversize']) {
    super();
    this.parser = makeParser(limits, {
      onHeader: (header) => this.emit('start', header),
      onStanza: (element) => this.emit('element', element),
      onOversize,
      onEnd: () => this.emit('end'),
    });
  }

  /** Throws what the parser throws. */
  write(bytes: Uint8Array): void {
    this.parser.write(bytes);
  }

  /** Nothing is reported any more. */
  end(): void {
    this.parser.end();
  }
}
