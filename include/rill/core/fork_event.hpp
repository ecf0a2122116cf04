// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace rill::engine {

/// fork() in three acts: before it, and after it in the process that called it and in the new one.
enum class fork_event { prepare, parent, child };

}  // namespace rill::engine
