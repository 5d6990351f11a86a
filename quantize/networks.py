"""The LSTM that the workshop trains; the ALBERT comes from ``transformers``."""

from torch import Tensor, nn


class ForecastLSTM(nn.Module):
    """Forecasts the next value of a standardized channel, and how sure it is.

    One LSTM layer reads the sequence; two linear heads read its last hidden state.  The network
    stays this small because every channel of every asset runs through it on the gateway.

    Args:
        features: Values per step; on the device z (clipped) and whether it was present.
        hidden: Width of the hidden state.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 2)

    def forward(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and natural logarithm of the standard deviation of the next value.

        Args:
            sequence: Float32 of shape ``(n, steps, features)``.

        Returns:
            Two tensors of shape ``(n,)``, in units of the standardized channel.
        """
        _, (last, _) = self.lstm(sequence)
        mean, log_sigma = self.head(last[0]).unbind(dim=-1)
        return mean, log_sigma
