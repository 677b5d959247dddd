-- KEYS lease, old lane, old index, old sum, new lane, new index, new sum. ARGV holder, ms, the lane's name. Moves one lane of
-- layout 2 into its shard, behind what is there already. Returns 1, or 'STALE' when another process migrates.

--- @include "lib/under-lease.lua"

if not isOurs() then return 'STALE' end
local count = redis.call('LLEN', KEYS[2])
if count > 0 then
  if redis.call('EXISTS', KEYS[5]) == 0 then
    redis.call('RENAME', KEYS[2], KEYS[5])
  else
    for _ = 1, count do redis.call('LMOVE', KEYS[2], KEYS[5], 'LEFT', 'RIGHT') end
  end
  redis.call('ZADD', KEYS[6], 0, ARGV[3])
  redis.call('INCRBY', KEYS[7], count)
  redis.call('DECRBY', KEYS[4], count)
end
redis.call('ZREM', KEYS[3], ARGV[3])
return 1
