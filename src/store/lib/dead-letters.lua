-- The dead letters of a shard: moves one stored text there, and drops those that are too many or too old.

local function moveToDead(deadKey, lane, raw, deadMax)
  redis.call('XADD', deadKey, 'MAXLEN', '=', deadMax, '*', 'lane', lane, 'raw', raw)
end
local function dropOldDead(deadKey, deadAgeMs)
  local time = redis.call('TIME')
  local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - deadAgeMs
  if oldest > 0 then redis.call('XTRIM', deadKey, 'MINID', '=', string.format('%.0f', oldest)) end
end
