// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rill/compose/composed.hpp>
#include <rill/token/async_result.hpp>

#include <utility>

namespace rill {

/// Starts an asynchronous operation that is made of others: the first call of @p implementation is
/// implementation(self). See composed(), of which this is the short form.
///
/// Data     @p objects: I/O objects or executors
/// Result   one of Signatures
template <class Token, completion_signature... Signatures, class Implementation, class... IoObjectsOrExecutors>
auto async_compose(Implementation&& implementation, std::type_identity_t<Token>& token,
                   IoObjectsOrExecutors&&... objects) {
    return async_initiate<Token, Signatures...>(composed<Signatures...>(std::forward<Implementation>(implementation),
                                                                        std::forward<IoObjectsOrExecutors>(objects)...),
                                                token);
}

}  // namespace rill
