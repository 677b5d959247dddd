-- KEYS term, hash. ARGV term, field, value. Writes a field of a hash, or without a value deletes it. Returns 1, or 'STALE'
-- (lib/parts.lua).

--- @include "lib/parts.lua"

if isStale(KEYS[1], ARGV[1]) then return 'STALE' end
if ARGV[3] then redis.call('HSET', KEYS[2], ARGV[2], ARGV[3]) else redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1
