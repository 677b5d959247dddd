-- What each step on lanes begins with: the names, and the changes of the index and of the sum, which are written once, at
-- the end. Lists of values are given to a command in parts (Lua's stack).

local lanesKey, totalKey, lanePrefix, seenPrefix = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local isThere, added = {}, 0

local function finish()
  local there, gone = {}, {}
  for lane, is in pairs(isThere) do
    if is then
      there[#there + 1] = 0
      there[#there + 1] = lane
    else
      gone[#gone + 1] = lane
    end
  end
  for i = 1, #there, 2000 do redis.call('ZADD', lanesKey, unpack(there, i, math.min(i + 1999, #there))) end
  for i = 1, #gone, 2000 do redis.call('ZREM', lanesKey, unpack(gone, i, math.min(i + 1999, #gone))) end
  if added ~= 0 then redis.call('INCRBY', totalKey, added) end
end
