-- What each step on the lanes of a shard begins and ends with: the changes of the index and of the sum, which are written
-- once, at the end. A lane's name is the end of its key. Lists of values are given to a command in parts (Lua's stack).

local lanesKey, totalKey, nameAt, isThere, added

local function begin(indexKey, sumKey, at)
  lanesKey, totalKey, nameAt, isThere, added = indexKey, sumKey, at, {}, 0
end

-- Returns the sum; false: it has not changed.
local function finish()
  local there, gone = {}, {}
  for laneKey, is in pairs(isThere) do
    local lane = string.sub(laneKey, nameAt)
    if is then
      there[#there + 1] = 0
      there[#there + 1] = lane
    else
      gone[#gone + 1] = lane
    end
  end
  for i = 1, #there, 2000 do redis.call('ZADD', lanesKey, unpack(there, i, math.min(i + 1999, #there))) end
  for i = 1, #gone, 2000 do redis.call('ZREM', lanesKey, unpack(gone, i, math.min(i + 1999, #gone))) end
  return added ~= 0 and redis.call('INCRBY', totalKey, added)
end
