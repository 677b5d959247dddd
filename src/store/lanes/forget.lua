-- KEYS term, lanes, total, lanes to empty. ARGV term, where a lane's name begins in its key. Empties those lanes; returns
-- how many envelopes that were, or 'STALE' (lib/parts.lua).

--- @include "lib/parts.lua"

if isStale(KEYS[1], ARGV[1]) then return 'STALE' end
local count = 0
for i = 4, #KEYS do
  count = count + redis.call('LLEN', KEYS[i])
  redis.call('UNLINK', KEYS[i])
  redis.call('ZREM', KEYS[2], string.sub(KEYS[i], tonumber(ARGV[2])))
end
if count > 0 then redis.call('DECRBY', KEYS[3], count) end
return count
