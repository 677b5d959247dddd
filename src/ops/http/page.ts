/**
 * The console's page: the files of src/ops/console, read once, nothing from elsewhere. The policy lets the page load only
 * itself, run no inline script, send no form, and stand in no frame; it holds no data and no secret, all of that comes
 * from /api/.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const folder = join(__dirname, '../console');

export const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
};

/** The page at `/`, and each file it is made of under its own name. Throws when the installation lacks them. */
export function addPage(app: FastifyInstance): void {
  for (const name of readdirSync(folder)) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const content = readFileSync(join(folder, name), 'utf8');
    app.get(name === 'index.html' ? '/' : `/${name}`, (_request, reply) =>
      reply.type(`${type}; charset=utf-8`).header('content-security-policy', policy).send(content),
    );
  }
}
