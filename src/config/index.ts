/**
 * Configuration: one YAML file, the environment over it, one schema that gives type, default, bound and description.
 * The rest of the program gets a frozen, complete, checked Config or nothing. See src/config/load.ts.
 */
export { loadConfig } from './load';
export { exposedSecrets } from './exposure';
export { maskConfig } from './mask';
export { ConfigProblems } from './problems';
export type { ConfigProblem } from './problems';
export { accepted, isLoopback, parseXmppService, parseXimssServer, parseListen } from './endpoints';
export type { Config, DialectKey } from './schema';
