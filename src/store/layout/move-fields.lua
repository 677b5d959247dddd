-- KEYS lease, old hash, new hash. ARGV holder, ms, fields. Moves some fields of a hash of layout 2 into a shard; what the
-- shard holds already stays. Returns 1, or 'STALE' when another process migrates.

--- @include "lib/under-lease.lua"

if not isOurs() then return 'STALE' end
for i = 3, #ARGV do
  local value = redis.call('HGET', KEYS[2], ARGV[i])
  if value then redis.call('HSETNX', KEYS[3], ARGV[i], value) end
  redis.call('HDEL', KEYS[2], ARGV[i])
end
return 1
