/**
 * Configuration: one YAML file, the environment over it, one schema that gives type, default, bound and description.
 * The rest of the program gets a frozen, complete, checked Config or nothing. See src/config/load.ts.
 */
export { loadConfig } from './config/load';
export type { LoadOptions } from './config/load';
export { maskConfig } from './config/mask';
export { ConfigProblems } from './config/problems';
export type { ConfigProblem } from './config/problems';
export { isLoopback, parseComponentService, parseFarServer, parseListen } from './config/formats';
export type { Endpoint, FarServer } from './config/formats';
export type { Config, DialectKey, DialectValue } from './config/schema';
