-- KEYS lease, old hash, new hash, and, where it stands in an index, old index, new index. ARGV holder, ms, then its name in
-- the old index, in the new one, its score. Moves a hash of layout 2; what the new one holds already stays. Returns 1, or
-- 'STALE' when another process migrates.

--- @include "lib/under-lease.lua"

if not isOurs() then return 'STALE' end
if redis.call('EXISTS', KEYS[2]) == 1 then
  if redis.call('EXISTS', KEYS[3]) == 0 then
    redis.call('RENAME', KEYS[2], KEYS[3])
  else
    local flat = redis.call('HGETALL', KEYS[2])
    for i = 1, #flat, 2 do redis.call('HSETNX', KEYS[3], flat[i], flat[i + 1]) end
    redis.call('DEL', KEYS[2])
  end
  if KEYS[5] then redis.call('ZADD', KEYS[5], ARGV[5], ARGV[4]) end
end
if KEYS[4] then redis.call('ZREM', KEYS[4], ARGV[3]) end
return 1
